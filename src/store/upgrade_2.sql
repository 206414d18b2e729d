-- From schema version 1 to 2: bridges, rotation, pending maintenance, rehearsals.
ALTER TABLE certificate_authority ADD COLUMN signs_at BIGINT NOT NULL DEFAULT 0;
CREATE TABLE bridge (
    region TEXT NOT NULL,
    ca_identifier TEXT NOT NULL,
    issuer_ca_identifier TEXT NOT NULL,
    certificate {BYTES} NOT NULL,
    not_after BIGINT NOT NULL,
    PRIMARY KEY (region, ca_identifier, issuer_ca_identifier)
);
ALTER TABLE instance ADD COLUMN served_issued_at BIGINT NOT NULL DEFAULT 0;
UPDATE instance SET served_issued_at =
    COALESCE((SELECT issued_at FROM server_certificate WHERE serial = instance.served_serial), 0);
ALTER TABLE instance ADD COLUMN bridges TEXT NOT NULL DEFAULT '[]';
ALTER TABLE instance ADD COLUMN rotation TEXT NOT NULL DEFAULT '{}';
ALTER TABLE instance ADD COLUMN rotation_after BIGINT NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN rotation_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN reminded_days INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN maintenance TEXT NOT NULL DEFAULT '{}';
ALTER TABLE instance ADD COLUMN rehearsal TEXT NOT NULL DEFAULT '{}';
CREATE INDEX instance_with_maintenance ON instance (region, identifier) WHERE maintenance <> '{}';
ALTER TABLE event ADD COLUMN code TEXT NOT NULL DEFAULT '';
INSERT INTO work (kind, subject, due_at, attempts, owner, leased_until)
    SELECT 'rotation', resource_id, 0, 0, '', 0 FROM instance;
