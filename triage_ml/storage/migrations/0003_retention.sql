-- What finds answers and announcements that are old enough to be forgotten.
-- depends: 0002_functions

CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE INDEX outbox_delivered ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;
