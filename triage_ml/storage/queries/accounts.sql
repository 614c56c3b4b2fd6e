-- name: add_account!
INSERT INTO account (
    name, display_name, scopes, created_at, locale, time_zone, excluded_labels, disabled_at,
    password_hash
) VALUES (
    :name, :display_name, :scopes, :created_at, :locale, :time_zone, :excluded_labels,
    :disabled_at, :password_hash
)
ON CONFLICT DO NOTHING;

-- name: find_account^
SELECT name, display_name, scopes, created_at, locale, time_zone, excluded_labels, disabled_at,
    password_hash
FROM account
WHERE name = :name;

-- name: save_account!
UPDATE account
SET display_name = :display_name, scopes = :scopes, locale = :locale, time_zone = :time_zone,
    excluded_labels = :excluded_labels, disabled_at = :disabled_at
WHERE name = :name;

-- name: set_password!
UPDATE account SET password_hash = :password_hash WHERE name = :name;

-- name: renew_hash!
UPDATE account SET password_hash = :new WHERE name = :name AND password_hash = :old;

-- name: list_accounts
SELECT name, display_name, scopes, created_at, locale, time_zone, excluded_labels, disabled_at
FROM account
ORDER BY name;

-- name: open_session!
INSERT INTO account_session (token_sha256, name, opened_at, seen_at, expires_at)
SELECT :token_sha256::text, name, :at, :at, :expires_at FROM account WHERE name = :name;

-- name: find_session^
-- The use of a session is written once a minute at most, and not at all in a session that ended.
WITH found AS (
    SELECT s.token_sha256, a.*
    FROM account_session s
    JOIN account a USING (name)
    WHERE s.token_sha256 = :token_sha256 AND s.expires_at > :now AND s.seen_at > :used_after
        AND a.disabled_at IS NULL
), marked AS (
    UPDATE account_session s SET seen_at = :now
    FROM found
    WHERE s.token_sha256 = found.token_sha256 AND s.seen_at <= :mark_before
)
SELECT name, display_name, scopes, created_at, locale, time_zone, excluded_labels, disabled_at
FROM found;

-- name: close_session!
DELETE FROM account_session WHERE token_sha256 = :token_sha256;

-- name: close_sessions!
DELETE FROM account_session WHERE name = :name;

-- name: forget_sessions!
DELETE FROM account_session WHERE token_sha256 = ANY(ARRAY(
    SELECT token_sha256 FROM account_session WHERE expires_at < :before LIMIT :limit
    FOR UPDATE SKIP LOCKED
));
