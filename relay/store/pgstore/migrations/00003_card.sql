-- Small rows beside the story of messages. The table is new: on a database
-- with rows this takes no time.

-- +goose Up
-- workspace_id is empty for what belongs to none. record is JSON, kept byte by
-- byte as it was given, which is checked before it comes here; due is when
-- somebody has to look at the card, by the clock of the node that wrote it.
CREATE TABLE card (
	workspace_id text COLLATE "C",
	kind         text COLLATE "C",
	key          text COLLATE "C",
	due          timestamptz,
	record       text COLLATE "C" NOT NULL,
	PRIMARY KEY (workspace_id, kind, key)
);
CREATE INDEX card_due ON card (kind, due) WHERE due IS NOT NULL;
