-- Every policy that was ever in use, whole, and when servers began with it.
-- depends: 0012_then_and_now

-- A version is one policy for ever, if people raise it with every change; where they did not,
-- both contents are kept. `documents` is file name -> text; sha256 is that of what they say.
CREATE TABLE policy_version (
    version text NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    documents jsonb NOT NULL CHECK (jsonb_typeof(documents) = 'object'),
    first_seen_at timestamptz NOT NULL,
    PRIMARY KEY (version, sha256)
);

-- A server or worker began with another policy than the one before it did.
CREATE TABLE policy_live (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL,
    sha256 text NOT NULL,
    live_at timestamptz NOT NULL,
    FOREIGN KEY (version, sha256) REFERENCES policy_version
);

CREATE TRIGGER policy_version_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();

CREATE TRIGGER policy_live_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_live
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();
