-- The schema, once, for every database behind sql.h. {BYTES} is the database's type for bytes.
-- Times are milliseconds since 1970-01-01T00:00:00Z. Lists and open-ended members are JSON text.

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Every certificate authority ever made: bundles hold old and new.
CREATE TABLE certificate_authority (
    scope TEXT NOT NULL,            -- region; partition for the root of rds-ca-2019
    ca_identifier TEXT NOT NULL,
    number INTEGER NOT NULL,        -- 0: the root, from 1: its subordinates
    certificate {BYTES} NOT NULL,   -- DER
    sha1 TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    signs_at BIGINT NOT NULL,       -- a subordinate signs from then on: it is in the bundles before
    PRIMARY KEY (scope, ca_identifier, number)
);

-- Bridges: the root of one CA of a region certified by the root of another.
CREATE TABLE bridge (
    region TEXT NOT NULL,
    ca_identifier TEXT NOT NULL,        -- whose root is certified
    issuer_ca_identifier TEXT NOT NULL, -- whose root signed
    certificate {BYTES} NOT NULL,       -- DER
    not_after BIGINT NOT NULL,
    PRIMARY KEY (region, ca_identifier, issuer_ca_identifier)
);

-- ModifyCertificates: the override of a region's default.
CREATE TABLE default_certificate (
    region TEXT PRIMARY KEY,
    ca_identifier TEXT NOT NULL
);

CREATE TABLE access_key (
    access_key_id TEXT PRIMARY KEY,
    secret {BYTES} NOT NULL,        -- sealed, see base/seal.h
    user_name TEXT NOT NULL,
    read_only INTEGER NOT NULL,
    regions TEXT NOT NULL,          -- JSON list; [] is every region
    created_at BIGINT NOT NULL
);

CREATE TABLE host (
    host TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,       -- grows with every change of the desired state of an instance on it
    engines TEXT NOT NULL           -- JSON list of {"engine", "version"} that its agent found; '' until it has said so
);

CREATE TABLE enrolment_token (
    digest TEXT PRIMARY KEY,        -- SHA-256 of the token
    expires_at BIGINT NOT NULL,
    host TEXT NOT NULL              -- '' until a host has used it; that host may use it again
);

CREATE TABLE instance (
    resource_id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    identifier TEXT NOT NULL,
    host TEXT NOT NULL,
    engine TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    instance_class TEXT NOT NULL,
    allocated_storage INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    requested_port INTEGER NOT NULL,
    port INTEGER NOT NULL,
    master_username TEXT NOT NULL,
    master_password {BYTES},        -- sealed; NULL once the agent has applied it
    database_name TEXT NOT NULL,
    maintenance_window TEXT NOT NULL,
    backup_window TEXT NOT NULL,
    deletion_protection INTEGER NOT NULL,
    attributes TEXT NOT NULL,       -- JSON object: members that are kept and shown
    pending TEXT NOT NULL,          -- JSON object: members that wait for the maintenance window
    names TEXT NOT NULL,            -- JSON list: names of the server certificate, the endpoint first
    ca_identifier TEXT NOT NULL,    -- wanted
    generation BIGINT NOT NULL,
    running INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    restart BIGINT NOT NULL,
    password_generation BIGINT NOT NULL,
    certificate_generation BIGINT NOT NULL,
    observed_generation BIGINT NOT NULL,
    observed_restart BIGINT NOT NULL,
    observed_password_generation BIGINT NOT NULL,
    observed_certificate_generation BIGINT NOT NULL,
    served_ca_identifier TEXT NOT NULL,  -- "" until a certificate was seen on the wire
    served_serial TEXT NOT NULL,
    served_not_after BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    problem TEXT NOT NULL,
    last_report TEXT NOT NULL,      -- report_id: its events were recorded
    served_issued_at BIGINT NOT NULL,
    bridges TEXT NOT NULL,          -- JSON list: CAs whose clients the chain still serves, the newest first
    rotation TEXT NOT NULL,         -- JSON object: the newest rotation, as far as it is known
    rotation_after BIGINT NOT NULL, -- none by itself before that: an undone one is not tried again at once
    rotation_failures INTEGER NOT NULL,
    reminded_days INTEGER NOT NULL, -- the last warning of expiry was for so many days; 0: none yet
    maintenance TEXT NOT NULL,      -- JSON object: pending maintenance actions by name
    rehearsal TEXT NOT NULL,        -- JSON object: the rehearsal under way; {}: none
    parameter_group TEXT NOT NULL,  -- '': the default one of its version
    parameters TEXT NOT NULL,       -- JSON object: the group's values that are in force
    parameters_version BIGINT NOT NULL,    -- of the group, when the instance last took from it
    parameters_wait INTEGER NOT NULL,      -- some of the group's values wait for a restart
    parameters_generation BIGINT NOT NULL, -- the one that brought the host what is in force
    option_group TEXT NOT NULL,     -- the same for options
    options TEXT NOT NULL,
    options_version BIGINT NOT NULL,
    options_generation BIGINT NOT NULL
);
CREATE UNIQUE INDEX instance_by_identifier ON instance (region, identifier);
CREATE INDEX instance_by_host ON instance (host);
CREATE INDEX instance_with_maintenance ON instance (region, identifier) WHERE maintenance <> '{}';
CREATE INDEX instance_by_parameter_group ON instance (region, parameter_group) WHERE parameter_group <> '';
CREATE INDEX instance_by_option_group ON instance (region, option_group) WHERE option_group <> '';

-- Groups that users made; default ones have no row.
CREATE TABLE parameter_group (
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    family TEXT NOT NULL,
    description TEXT NOT NULL,
    version BIGINT NOT NULL,        -- grows with every change of its parameters
    parameters TEXT NOT NULL,       -- JSON object: what was set, and how: see fleet/parameter_group.h
    PRIMARY KEY (region, name)
);

CREATE TABLE option_group (
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    engine TEXT NOT NULL,
    major_version TEXT NOT NULL,
    description TEXT NOT NULL,
    version BIGINT NOT NULL,
    urgent_version BIGINT NOT NULL, -- up to it instances do not wait for their maintenance window
    options TEXT NOT NULL,          -- JSON object: the options by name: see fleet/option_group.h
    PRIMARY KEY (region, name)
);

-- The issuance log: rows are only ever added.
CREATE TABLE server_certificate (
    log_index BIGINT PRIMARY KEY,
    serial TEXT NOT NULL UNIQUE,
    resource_id TEXT NOT NULL,
    certificate_generation BIGINT NOT NULL,
    request_digest TEXT NOT NULL,   -- SHA-256 of the public key and the names asked for
    region TEXT NOT NULL,
    ca_identifier TEXT NOT NULL,
    number INTEGER NOT NULL,        -- of the subordinate that signed
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    certificate {BYTES} NOT NULL    -- DER
);
CREATE UNIQUE INDEX server_certificate_by_request
    ON server_certificate (resource_id, certificate_generation, request_digest);

CREATE TABLE event (
    region TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source_identifier TEXT NOT NULL,
    source_arn TEXT NOT NULL,
    category TEXT NOT NULL,
    message TEXT NOT NULL,
    code TEXT NOT NULL,             -- RDS-EVENT-0005; SEALWRIGHT-EVENT-0001 for those that RDS does not have
    PRIMARY KEY (region, occurred_at, event_id)
);

CREATE TABLE tag (
    arn TEXT NOT NULL,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (arn, tag_key)
);

-- Work that comes due. A worker claims a row by writing its name and an end into it; past the end any other may.
CREATE TABLE work (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    owner TEXT NOT NULL,
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (kind, subject)
);
-- Two claimants: webhooks wait for their receiver, and nobody else is to wait for that.
CREATE INDEX work_of_workers ON work (due_at, kind, subject) WHERE kind <> 'webhook';
CREATE INDEX work_of_notifier ON work (kind, due_at, subject) WHERE kind = 'webhook';
