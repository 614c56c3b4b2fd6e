-- Counts per day, what is emerging, and read-only views for analysts.
-- depends: 0010_quality

-- How much happened on a day (UTC). `label` is the reason of reports (or other), the label found
-- of violations, and empty for decisions and upheld. The worker counts a day anew when the log
-- says that something of it changed, so that no report waits for a counter.
CREATE TABLE daily_count (
    day date NOT NULL,
    measure text NOT NULL CHECK (measure IN ('reports', 'decisions', 'upheld', 'violations')),
    label text NOT NULL,
    language text NOT NULL,
    surface text NOT NULL,
    queue text NOT NULL,
    n bigint NOT NULL CHECK (n > 0),
    PRIMARY KEY (day, measure, label, language, surface, queue)
);

-- Up to which line of the log days were counted; no row: nothing was.
CREATE TABLE daily_count_progress (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    counted_to bigint NOT NULL,
    counted_at timestamptz NOT NULL
);

-- Terms and groups of near-duplicates that became more frequent; each of several people.
CREATE TABLE emerging (
    key text PRIMARY KEY CHECK (key ~ '^[0-9a-f]{16}$'),
    kind text NOT NULL CHECK (kind IN ('term', 'cluster')),
    language text NOT NULL,
    words text NOT NULL CHECK (length(words) <= 200),
    n_items integer NOT NULL CHECK (n_items > 0),
    n_authors integer NOT NULL CHECK (n_authors > 0),
    n_before integer NOT NULL CHECK (n_before >= 0),
    score float8 NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    case_ids uuid[] NOT NULL,
    found_at timestamptz NOT NULL
);

CREATE INDEX report_by_time ON report (reported_at);
CREATE INDEX random_claim_by_time ON claim (claimed_at) WHERE drawn_at_random;

-- Queues that analysts never see. The policy says which; a name stays here when the policy drops
-- its queue, because the cases stay.
CREATE TABLE restricted_queue (
    queue text PRIMARY KEY
);
INSERT INTO restricted_queue (queue) VALUES ('child-safety');

-- Makes the keys of authors and items in the views meaningless outside of this database.
CREATE TABLE analytics_salt (
    salt text NOT NULL
);
INSERT INTO analytics_salt (salt) VALUES (gen_random_uuid()::text || gen_random_uuid()::text);

CREATE SCHEMA analytics;

-- The base of all that is about cases: what this one leaves out, no other view has.
CREATE VIEW analytics.cases WITH (security_barrier) AS
SELECT t.case_id, t.received_at, (t.received_at AT TIME ZONE 'UTC')::date AS received_on,
    t.state::text AS state, t.stage::text AS stage, t.queue, t.tier, t.language,
    t.item ->> 'surface' AS surface, t.labels, t.due_at, t.decided_at, t.upheld,
    t.decided_at > t.due_at AS decided_late,
    (t.summary ->> 'n_reports')::integer AS n_reports,
    t.repeat_actor AS repeat_author, t.awaits_scores,
    t.scores ->> 'model_version' AS model_version,
    (t.scores ->> 'p_violation')::float8 AS p_violation,
    left(encode(sha256(convert_to(s.salt || 'author' || t.author_ref, 'UTF8')), 'hex'), 24)
        AS author_key,
    left(encode(sha256(convert_to(s.salt || 'item' || t.item_id, 'UTF8')), 'hex'), 24) AS item_key
FROM triage_case t CROSS JOIN analytics_salt s
WHERE NOT EXISTS (SELECT FROM restricted_queue r WHERE r.queue = t.queue)
    AND NOT 'child_safety' = ANY (t.labels)
    AND NOT EXISTS (
        SELECT FROM decision d
        WHERE d.case_id = t.case_id AND d.body -> 'verdict' -> 'findings' ? 'child_safety'
    );

CREATE VIEW analytics.reports WITH (security_barrier) AS
SELECT r.report_id, r.case_id, r.reported_at, (r.reported_at AT TIME ZONE 'UTC')::date AS reported_on,
    r.source::text AS source, coalesce(r.reason, 'other') AS reason, r.jurisdiction,
    r.legal_deadline, r.withdrawn_at, o.upheld, c.language, c.surface, c.queue
FROM report r
JOIN analytics.cases c USING (case_id)
LEFT JOIN reporter_outcome o USING (report_id);

CREATE VIEW analytics.claims WITH (security_barrier) AS
SELECT k.claim_id, k.case_id, k.claimed_at, k.ended_at, k.ended_by::text AS ended_by,
    k.drawn_at_random, k.propensity, c.language, c.queue
FROM claim k
JOIN analytics.cases c USING (case_id);

CREATE VIEW analytics.decisions WITH (security_barrier) AS
SELECT d.decision_id, d.case_id, d.decided_at, (d.decided_at AT TIME ZONE 'UTC')::date AS decided_on,
    d.stage::text AS stage, d.upheld, d.policy_version,
    d.body -> 'verdict' ->> 'action' AS action, d.body ->> 'dsa_category' AS dsa_category,
    extract(epoch FROM d.decided_at - k.claimed_at)::float8 AS handling_seconds,
    c.language, c.surface, c.queue
FROM decision d
JOIN analytics.cases c USING (case_id)
JOIN claim k USING (claim_id);

CREATE VIEW analytics.findings WITH (security_barrier) AS
SELECT d.decision_id, d.case_id, d.decided_at, f.key AS label, f.value::smallint AS severity,
    c.language, c.surface
FROM decision d
JOIN analytics.cases c USING (case_id)
CROSS JOIN LATERAL jsonb_each_text(d.body -> 'verdict' -> 'findings') f;

CREATE VIEW analytics.appeals WITH (security_barrier) AS
SELECT a.appeal_id, a.case_id, a.appealed_at, c.language, c.queue,
    (SELECT d.upheld FROM decision d
     WHERE d.case_id = a.case_id AND d.stage = 'first' ORDER BY d.decision_id DESC LIMIT 1)
        AS upheld_first,
    (SELECT d.upheld FROM decision d
     WHERE d.case_id = a.case_id AND d.stage = 'appeal' ORDER BY d.decision_id DESC LIMIT 1)
        AS upheld_after
FROM appeal a
JOIN analytics.cases c USING (case_id);

CREATE VIEW analytics.events WITH (security_barrier) AS
SELECT e.sequence, e.case_id, e.at, e.step::text AS step, e.from_state::text AS from_state,
    e.to_state::text AS to_state
FROM case_event e
JOIN analytics.cases c USING (case_id);

CREATE VIEW analytics.daily_counts WITH (security_barrier) AS
SELECT day, measure, label, language, surface, queue, n
FROM daily_count
WHERE label <> 'child_safety'
    AND queue NOT IN (SELECT r.queue FROM restricted_queue r);

CREATE VIEW analytics.queue_health WITH (security_barrier) AS
SELECT queue, tier, language, count(*) AS n_open,
    count(*) FILTER (WHERE lease_expires_at > now()) AS n_claimed,
    count(*) FILTER (WHERE due_at < now() AND lease_expires_at > now() IS NOT TRUE) AS n_breached,
    count(*) FILTER (WHERE awaits_scores) AS n_without_scores,
    min(received_at) AS oldest_received_at, min(due_at) AS next_due_at
FROM triage_case
WHERE state IN ('received', 'queued', 'claimed')
    AND queue NOT IN (SELECT r.queue FROM restricted_queue r)
GROUP BY queue, tier, language;

-- Claims that chance made and a reviewer decided, with the weight 1 / propensity.
CREATE VIEW analytics.prevalence_sample WITH (security_barrier) AS
SELECT k.claim_id, k.case_id, k.claimed_at, k.propensity, 1 / k.propensity AS weight,
    d.upheld, c.language, c.surface, c.queue,
    ARRAY(
        SELECT f.key FROM jsonb_each_text(d.body -> 'verdict' -> 'findings') f
        WHERE f.value::integer >= 1 ORDER BY f.key
    ) AS labels_found
FROM claim k
JOIN analytics.cases c USING (case_id)
JOIN decision d USING (claim_id)
WHERE k.drawn_at_random AND d.stage = 'first';

-- A group for people who analyse: it reads these views and nothing else. Where the database's
-- user may not make roles, its administrator does (docs/how-to/analyse.md).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'triage_analyst') THEN
        BEGIN
            CREATE ROLE triage_analyst NOLOGIN;
        EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'triage_analyst') THEN
        GRANT USAGE ON SCHEMA analytics TO triage_analyst;
        GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO triage_analyst;
    END IF;
END;
$$;
