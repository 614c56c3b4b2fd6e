-- Accounts of the people at the desk, and their sessions.
-- depends: 0004_models 0005_lots

-- Names are in lower case and stand on claims, decisions and events for ever. The C collation
-- keeps them in the same order on every server.
CREATE TABLE account (
    name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._@-]{0,63}$'),
    display_name text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 80),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_at timestamptz NOT NULL,
    locale text NOT NULL,
    time_zone text NOT NULL,
    excluded_labels text[] NOT NULL,
    disabled_at timestamptz,
    password_hash text  -- none: this person signs in by other means, or not at all
);

-- A name is never given to anybody else: what was done under it was done by one person.
CREATE FUNCTION refuse_reuse_of_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an account is disabled, never renamed or removed'
        USING ERRCODE = 'integrity_constraint_violation';
END;
$$;

CREATE TRIGGER account_name_stays BEFORE UPDATE OF name OR DELETE OR TRUNCATE ON account
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_reuse_of_names();

-- Only the hash of a session's token is kept: who reads this table cannot use it to sign in.
CREATE TABLE account_session (
    token_sha256 text PRIMARY KEY CHECK (token_sha256 ~ '^[0-9a-f]{64}$'),
    name text COLLATE "C" NOT NULL REFERENCES account,
    opened_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX session_by_account ON account_session (name);
CREATE INDEX session_by_age ON account_session (expires_at);
