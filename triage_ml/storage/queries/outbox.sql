-- name: take_deliveries
-- Lease what is due, at most the oldest undelivered one of each case, so that a receiver sees
-- the announcements of a case in order.
WITH due AS (
    SELECT delivery_id FROM outbox o
    WHERE o.delivered_at IS NULL AND o.next_attempt_at <= :now
        AND NOT EXISTS (
            SELECT FROM outbox earlier
            WHERE earlier.case_id = o.case_id AND earlier.delivered_at IS NULL
                AND earlier.delivery_id < o.delivery_id
        )
    ORDER BY o.delivery_id
    LIMIT :limit
    FOR UPDATE OF o SKIP LOCKED
), taken AS (
    UPDATE outbox o SET n_attempts = o.n_attempts + 1, next_attempt_at = :leased_until
    FROM due
    WHERE o.delivery_id = due.delivery_id
    RETURNING o.delivery_id, o.case_id, o.payload, o.created_at, o.n_attempts
)
SELECT delivery_id, case_id, payload, created_at, n_attempts
FROM taken
ORDER BY delivery_id;

-- name: settle_delivery!
UPDATE outbox
SET delivered_at = CASE WHEN :retry_at::timestamptz IS NULL THEN :at END,
    next_attempt_at = coalesce(:retry_at, next_attempt_at),
    last_error = :error
WHERE delivery_id = :delivery_id AND delivered_at IS NULL;

-- name: n_undelivered^
SELECT count(*) AS n FROM outbox WHERE delivered_at IS NULL;

-- What only served repetition is dropped: the answers to old keys, the announcements that
-- arrived. ARRAY() is read once, whatever the plan.

-- name: forget_answers!
DELETE FROM idempotency WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM idempotency WHERE created_at < :before LIMIT :limit FOR UPDATE SKIP LOCKED
));

-- name: forget_arrived!
DELETE FROM outbox WHERE delivery_id = ANY(ARRAY(
    SELECT delivery_id FROM outbox WHERE delivered_at < :before LIMIT :limit
    FOR UPDATE SKIP LOCKED
));
