-- Everything that a store keeps. The first column of every key is the
-- workspace, but for the directory (token, callback, api_key_hash), which
-- leads from a secret to its workspace and holds nothing else, and for what
-- belongs to no workspace: meta, writer, job.
--
-- Keys compare byte by byte (COLLATE "C"), whatever the database's locale.
-- JSON columns are the records of package relay as the store was given them;
-- what a statement must find or order by stands beside them in a column.

-- +goose Up
CREATE TABLE meta (
	key   text COLLATE "C" PRIMARY KEY,
	value text NOT NULL
);

-- One row for each goroutine that commits. Each of its transactions counts
-- last up, first of all: whoever lost the connection during a COMMIT reads
-- here, behind the row's lock, whether it happened.
CREATE TABLE writer (
	id   text COLLATE "C" PRIMARY KEY,
	last bigint NOT NULL,
	at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);

CREATE TABLE job (
	name  text COLLATE "C" PRIMARY KEY,
	last  timestamptz,
	owner text NOT NULL DEFAULT '',
	until timestamptz
);

CREATE TABLE token (
	hash         bytea PRIMARY KEY,
	workspace_id text COLLATE "C" NOT NULL
);

CREATE TABLE callback (
	id           text COLLATE "C" PRIMARY KEY,
	workspace_id text COLLATE "C" NOT NULL
);

CREATE TABLE api_key_hash (
	hash         bytea PRIMARY KEY,
	workspace_id text COLLATE "C" NOT NULL
);

-- record and roster are NULL until the workspace itself is written; the other
-- columns are its account, and how many attempts it ever had.
CREATE TABLE workspace (
	id         text COLLATE "C" PRIMARY KEY,
	record     json,
	roster     json,
	deleted_at timestamptz,
	granted    bigint NOT NULL DEFAULT 0,
	available  bigint NOT NULL DEFAULT 0,
	reserved   bigint NOT NULL DEFAULT 0,
	spent      bigint NOT NULL DEFAULT 0,
	expiring   bigint NOT NULL DEFAULT 0,
	period     text NOT NULL DEFAULT '',
	last_at    timestamptz,
	frozen     boolean NOT NULL DEFAULT false,
	attempts   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE channel (
	workspace_id text COLLATE "C",
	id           text COLLATE "C",
	record       json NOT NULL,
	PRIMARY KEY (workspace_id, id)
);

CREATE TABLE chat (
	workspace_id text COLLATE "C",
	channel      text COLLATE "C",
	recipient    text COLLATE "C",
	number       bigint NOT NULL,
	name         text COLLATE "C" NOT NULL DEFAULT '',
	record       json NOT NULL,
	PRIMARY KEY (workspace_id, channel, recipient)
);
CREATE UNIQUE INDEX chat_number ON chat (workspace_id, number);
CREATE INDEX chat_name ON chat (workspace_id, name) WHERE name <> '';

CREATE TABLE api_key (
	workspace_id text COLLATE "C",
	hash         bytea,
	record       json NOT NULL,
	PRIMARY KEY (workspace_id, hash)
);

-- A ring of 100 for each workspace: slot is seq modulo 100.
CREATE TABLE attempt (
	workspace_id text COLLATE "C",
	slot         smallint,
	seq          bigint NOT NULL,
	record       json NOT NULL,
	PRIMARY KEY (workspace_id, slot)
) WITH (fillfactor = 70);

-- key is the first half of the SHA-256 of what the caller sent.
CREATE TABLE idempotency_key (
	workspace_id text COLLATE "C",
	key          bytea,
	fingerprint  bytea NOT NULL,
	message_id   text NOT NULL,
	at           timestamptz NOT NULL,
	PRIMARY KEY (workspace_id, key)
);
CREATE INDEX idempotency_key_at ON idempotency_key (at);

-- A message, the entries that it carries, and, while seq is not NULL, its
-- place on a lane. id is the 18 hexadecimal digits of the message's id.
CREATE TABLE message (
	workspace_id text COLLATE "C",
	id           text COLLATE "C",
	record       json,
	marks        json,
	channel      text COLLATE "C" NOT NULL DEFAULT '',
	status       text COLLATE "C" NOT NULL DEFAULT '',
	provider_id  text COLLATE "C",
	unknown_at   timestamptz,
	lane         text COLLATE "C",
	recipient    text COLLATE "C",
	seq          bigint,
	not_before   timestamptz,
	expires      timestamptz,
	unready      boolean,
	out          boolean,
	try          integer,
	PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 80);
-- The line of a lane: what waited and returns to the head comes by its time,
-- before what never waited (NULL) by its place.
CREATE INDEX message_line ON message (workspace_id, lane, not_before, seq) WHERE seq IS NOT NULL AND NOT out AND NOT unready;
-- Who stands before an item of the same recipient.
CREATE INDEX message_recipient ON message (workspace_id, lane, recipient, seq) WHERE seq IS NOT NULL;
CREATE INDEX message_expires ON message (expires) WHERE seq IS NOT NULL AND NOT out;
CREATE INDEX message_unknown ON message (unknown_at) WHERE unknown_at IS NOT NULL;
CREATE INDEX message_provider ON message (workspace_id, channel, provider_id) WHERE provider_id IS NOT NULL;

-- due_at is never later than the moment at which the lane may release
-- something; NULL where that needs another change first. holder is the node
-- that leased it last. Times are the database's.
CREATE TABLE lane (
	workspace_id text COLLATE "C",
	id           text COLLATE "C",
	account      text COLLATE "C" NOT NULL,
	next_free    timestamptz,
	lease_item   text COLLATE "C" NOT NULL DEFAULT '',
	lease_owner  text COLLATE "C" NOT NULL DEFAULT '',
	lease_epoch  bigint NOT NULL DEFAULT 0,
	lease_try    integer NOT NULL DEFAULT 0,
	lease_until  timestamptz,
	epoch        bigint NOT NULL DEFAULT 0,
	paused       boolean NOT NULL DEFAULT false,
	hold         text COLLATE "C" NOT NULL DEFAULT '',
	home         text COLLATE "C" NOT NULL DEFAULT '',
	spacing_min  bigint NOT NULL DEFAULT 0,
	spacing_max  bigint NOT NULL DEFAULT 0,
	depth        bigint NOT NULL DEFAULT 0,
	last_seq     bigint NOT NULL DEFAULT 0,
	last_end     timestamptz,
	holder       text COLLATE "C" NOT NULL DEFAULT '',
	due_at       timestamptz,
	PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 50);
CREATE INDEX lane_due ON lane (home, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lane_leased ON lane (lease_owner) WHERE lease_item <> '';
CREATE INDEX lane_hold ON lane (hold) WHERE hold <> '';

CREATE TABLE fetch_job (
	workspace_id text COLLATE "C",
	message_id   text COLLATE "C",
	next         timestamptz NOT NULL,
	tries        integer NOT NULL,
	since        timestamptz,
	PRIMARY KEY (workspace_id, message_id)
);
CREATE INDEX fetch_job_next ON fetch_job (next);

-- The ledger. Times of one workspace strictly increase. message_id is set on
-- what a message carries as a mark too; folded counts the entries of pruned
-- messages that a line stands for.
CREATE TABLE entry (
	workspace_id    text COLLATE "C",
	at              timestamptz,
	kind            text COLLATE "C",
	folded          bigint NOT NULL DEFAULT 0,
	ref             text COLLATE "C" NOT NULL,
	units           bigint NOT NULL,
	available_after bigint NOT NULL,
	shortfall       bigint NOT NULL DEFAULT 0,
	from_expiring   bigint NOT NULL DEFAULT 0,
	period          text NOT NULL DEFAULT '',
	message_id      text COLLATE "C",
	PRIMARY KEY (workspace_id, at, kind, ref)
);
CREATE UNIQUE INDEX entry_ref ON entry (workspace_id, kind, ref) WHERE message_id IS NULL;

-- Counters of one minute (since 1970) and channel.
CREATE TABLE counter (
	workspace_id text COLLATE "C",
	minute       bigint,
	channel      text COLLATE "C",
	sent         bigint NOT NULL,
	failed       bigint NOT NULL,
	received     bigint NOT NULL,
	PRIMARY KEY (workspace_id, minute, channel)
);

-- Files on their way to a provider, in pieces of 256 KiB. They are compressed
-- already.
CREATE TABLE file (
	workspace_id text COLLATE "C",
	key          text COLLATE "C",
	kept_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
	size         bigint NOT NULL,
	PRIMARY KEY (workspace_id, key)
);

CREATE TABLE file_piece (
	workspace_id text COLLATE "C",
	key          text COLLATE "C",
	n            integer,
	data         bytea NOT NULL,
	PRIMARY KEY (workspace_id, key, n)
);
ALTER TABLE file_piece ALTER COLUMN data SET STORAGE EXTERNAL;

-- What the pretend WhatsApp was handed, on whichever node.
CREATE TABLE sandbox_line (
	workspace_id text COLLATE "C",
	channel      text COLLATE "C",
	at           timestamptz,
	id           text COLLATE "C",
	line         text NOT NULL,
	PRIMARY KEY (workspace_id, channel, at, id)
);
CREATE INDEX sandbox_line_at ON sandbox_line (at);
