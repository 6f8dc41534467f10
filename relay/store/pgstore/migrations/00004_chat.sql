-- +goose NO TRANSACTION
-- The messages of one chat, newest first. What is there already is given its
-- chat's number in small transactions, so that no lock lasts; a run that was
-- interrupted is begun anew and finds less to do. The number is cut out of the
-- record: ->> refuses a whole record in which somebody's text has U+0000. A
-- text cannot look like it, its quotation marks are written \".

-- +goose Up
ALTER TABLE message ADD COLUMN IF NOT EXISTS chat text COLLATE "C" NOT NULL DEFAULT '';

-- +goose StatementBegin
DO $$
DECLARE
	behind record;
	step record;
BEGIN
	SELECT ''::text AS workspace_id, ''::text AS id INTO behind;
	LOOP
		WITH next AS (
			SELECT workspace_id, id FROM message
			WHERE (workspace_id, id) > (behind.workspace_id COLLATE "C", behind.id COLLATE "C")
			ORDER BY workspace_id, id LIMIT 5000
		), filled AS (
			UPDATE message m SET chat = substring(m.record::text FROM '"chat_id": ?"([0-9]+)"') FROM next
			WHERE m.workspace_id = next.workspace_id AND m.id = next.id AND m.chat = '' AND m.record::text ~ '"chat_id": ?"[0-9]+"'
		)
		SELECT workspace_id, id INTO step FROM next ORDER BY workspace_id DESC, id DESC LIMIT 1;
		EXIT WHEN step.id IS NULL;
		behind := step;
		COMMIT;
	END LOOP;
END $$;
-- +goose StatementEnd

CREATE INDEX IF NOT EXISTS message_chat ON message (workspace_id, chat, id) WHERE chat <> '';
