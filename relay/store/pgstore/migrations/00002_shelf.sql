-- The templates of a channel's account, what people wrote to it, and under
-- which recipient it knows them. All three tables are new: on a database with
-- rows this takes no time.

-- +goose Up
-- record is an array: all languages of one template, in their order.
CREATE TABLE template (
	workspace_id text COLLATE "C",
	channel      text COLLATE "C",
	name         text COLLATE "C",
	record       json NOT NULL,
	PRIMARY KEY (workspace_id, channel, name)
);

-- id is the 18 hexadecimal digits of the inbound message's id: it sorts by the
-- time at which it was made, also for pruning.
CREATE TABLE inbound (
	workspace_id text COLLATE "C",
	id           text COLLATE "C",
	channel      text COLLATE "C" NOT NULL,
	recipient    text COLLATE "C" NOT NULL,
	record       json NOT NULL,
	PRIMARY KEY (workspace_id, id)
);
-- What was written to a channel, and what one recipient wrote, newest first.
CREATE INDEX inbound_channel ON inbound (workspace_id, channel, id);
CREATE INDEX inbound_recipient ON inbound (workspace_id, channel, recipient, id);

-- Somebody of whom a provider tells an id of its own (user_id), and the
-- recipient of the chat with them.
CREATE TABLE person (
	workspace_id text COLLATE "C",
	channel      text COLLATE "C",
	user_id      text COLLATE "C",
	record       json NOT NULL,
	PRIMARY KEY (workspace_id, channel, user_id)
);
