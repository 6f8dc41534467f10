-- How many of the messages that were handed over arrived. The column has a
-- constant default: on a table with rows this takes no time.

-- +goose Up
ALTER TABLE counter ADD COLUMN IF NOT EXISTS delivered bigint NOT NULL DEFAULT 0;
