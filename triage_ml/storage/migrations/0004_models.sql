-- Model artifacts for servers that share nothing but this database, and which of them is live.
-- depends: 0003_retention

-- A version is one artifact for ever: scores of years ago name it.
CREATE TABLE model (
    version text PRIMARY KEY CHECK (length(version) BETWEEN 1 AND 100),
    manifest_sha256 text NOT NULL CHECK (manifest_sha256 ~ '^[0-9a-f]{64}$'),
    published_at timestamptz NOT NULL
);

-- The files of versions that servers may still ask for; of old ones they are dropped.
CREATE TABLE model_file (
    version text NOT NULL REFERENCES model,
    -- A plain name: servers write it into a folder of theirs.
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$'),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    n_bytes bigint NOT NULL CHECK (n_bytes >= 0),
    uploaded_at timestamptz NOT NULL,
    PRIMARY KEY (version, name)
);

-- In pieces, so that neither side ever holds a whole model in memory.
CREATE TABLE model_chunk (
    version text NOT NULL,
    name text NOT NULL,
    number integer NOT NULL CHECK (number >= 0),
    bytes bytea NOT NULL,
    PRIMARY KEY (version, name, number),
    FOREIGN KEY (version, name) REFERENCES model_file ON DELETE CASCADE
);
ALTER TABLE model_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;  -- weights do not compress

-- The newest row is the live model.
CREATE TABLE model_live (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL REFERENCES model,
    live_at timestamptz NOT NULL,
    made_by text NOT NULL,
    reason text NOT NULL
);

CREATE TRIGGER model_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();

CREATE TRIGGER model_live_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model_live
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();

-- Whoever adds the row, servers hear of it. One that does not listen finds it when it looks.
CREATE FUNCTION tell_servers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('model_live', '');
    RETURN NULL;
END;
$$;

CREATE TRIGGER model_live_is_told AFTER INSERT ON model_live
    FOR EACH STATEMENT EXECUTE FUNCTION tell_servers();
