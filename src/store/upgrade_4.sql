-- From schema version 3 to 4: parameter groups and option groups.
ALTER TABLE instance ADD COLUMN parameter_group TEXT NOT NULL DEFAULT '';
ALTER TABLE instance ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}';
ALTER TABLE instance ADD COLUMN parameters_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN parameters_wait INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN parameters_generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN option_group TEXT NOT NULL DEFAULT '';
ALTER TABLE instance ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE instance ADD COLUMN options_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN options_generation BIGINT NOT NULL DEFAULT 0;
CREATE INDEX instance_by_parameter_group ON instance (region, parameter_group) WHERE parameter_group <> '';
CREATE INDEX instance_by_option_group ON instance (region, option_group) WHERE option_group <> '';
CREATE TABLE parameter_group (
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    family TEXT NOT NULL,
    description TEXT NOT NULL,
    version BIGINT NOT NULL,
    parameters TEXT NOT NULL,
    PRIMARY KEY (region, name)
);
CREATE TABLE option_group (
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    engine TEXT NOT NULL,
    major_version TEXT NOT NULL,
    description TEXT NOT NULL,
    version BIGINT NOT NULL,
    urgent_version BIGINT NOT NULL,
    options TEXT NOT NULL,
    PRIMARY KEY (region, name)
);
