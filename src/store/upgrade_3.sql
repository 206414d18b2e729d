-- From schema version 2 to 3: webhooks are claimed apart from all other work.
DROP INDEX work_by_due;
CREATE INDEX work_of_workers ON work (due_at, kind, subject) WHERE kind <> 'webhook';
CREATE INDEX work_of_notifier ON work (kind, due_at, subject) WHERE kind = 'webhook';
