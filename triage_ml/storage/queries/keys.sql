-- name: find_key^
SELECT name, scopes, created_at, revoked_at
FROM api_key
WHERE key_sha256 = :key_sha256 AND revoked_at IS NULL;

-- name: add_key!
INSERT INTO api_key (key_sha256, name, scopes, created_at)
VALUES (:key_sha256, :name, :scopes, :created_at)
ON CONFLICT DO NOTHING;

-- name: list_keys
SELECT name, scopes, created_at, revoked_at
FROM api_key
ORDER BY created_at, name COLLATE "C";

-- name: revoke_key!
UPDATE api_key SET revoked_at = :at WHERE name = :name AND revoked_at IS NULL;
