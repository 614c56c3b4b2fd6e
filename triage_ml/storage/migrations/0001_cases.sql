-- Cases, their log and their queues.
-- depends:

-- received  a report is stored, the case is not placed yet (inside one transaction only)
-- queued    waits in a queue
-- claimed   leased to a reviewer; a lease that has run out counts as queued
-- decided   a reviewer concluded; an appeal may send it back to queued, once
-- withdrawn every report was taken back before a decision
CREATE TYPE case_state AS ENUM ('received', 'queued', 'claimed', 'decided', 'withdrawn');

CREATE TYPE case_stage AS ENUM ('first', 'appeal');

CREATE TYPE case_step AS ENUM (
    'reported', 'scored', 'routed', 'claimed', 'renewed', 'released', 'lease_expired', 'escalated',
    'policy_gap', 'decided', 'appealed', 'report_withdrawn', 'withdrawn'
);

CREATE TYPE report_source AS ENUM ('user', 'trusted_flagger', 'authority', 'legal', 'proactive');

-- What may happen to a case in which state, and where it leads: TRANSITIONS of
-- triage_ml.domain.case. Triggers look it up, so that an illegal step cannot be recorded and an
-- illegal move cannot be made; a foreign key would lock these few rows on every event.
CREATE TABLE case_transition (
    from_state case_state NOT NULL,
    step case_step NOT NULL,
    to_state case_state NOT NULL,
    PRIMARY KEY (from_state, step, to_state)
);

INSERT INTO case_transition (from_state, step, to_state) VALUES
    ('received', 'reported', 'received'),
    ('queued', 'reported', 'queued'),
    ('claimed', 'reported', 'claimed'),
    ('received', 'scored', 'received'),
    ('queued', 'scored', 'queued'),
    ('claimed', 'scored', 'claimed'),
    ('received', 'report_withdrawn', 'received'),
    ('queued', 'report_withdrawn', 'queued'),
    ('claimed', 'report_withdrawn', 'claimed'),
    ('received', 'withdrawn', 'withdrawn'),
    ('queued', 'withdrawn', 'withdrawn'),
    ('claimed', 'withdrawn', 'withdrawn'),
    ('received', 'routed', 'queued'),
    ('queued', 'routed', 'queued'),
    ('claimed', 'routed', 'claimed'),
    ('queued', 'claimed', 'claimed'),
    ('claimed', 'renewed', 'claimed'),
    ('claimed', 'released', 'queued'),
    ('claimed', 'lease_expired', 'queued'),
    ('queued', 'escalated', 'queued'),
    ('claimed', 'escalated', 'queued'),
    ('claimed', 'policy_gap', 'queued'),
    ('claimed', 'decided', 'decided'),
    ('decided', 'appealed', 'queued');

-- The only place where item text lives. Context texts belong to the version.
CREATE TABLE item_version (
    item_id text NOT NULL,
    version_sha256 text NOT NULL,
    body text NOT NULL,
    context jsonb NOT NULL,
    first_seen_at timestamptz NOT NULL,
    PRIMARY KEY (item_id, version_sha256)
);

CREATE TABLE triage_case (
    case_id uuid PRIMARY KEY,
    item_id text NOT NULL,
    version_sha256 text NOT NULL,
    author_ref text NOT NULL,
    state case_state NOT NULL,
    stage case_stage NOT NULL,
    queue text NOT NULL,
    tier smallint NOT NULL CHECK (tier BETWEEN 0 AND 4),
    base_index double precision NOT NULL,
    handling_seconds double precision NOT NULL CHECK (handling_seconds > 0),
    received_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    language text NOT NULL,
    labels text[] NOT NULL,
    repeat_actor boolean NOT NULL,
    awaits_scores boolean NOT NULL,
    scoring_failures integer NOT NULL CHECK (scoring_failures >= 0),
    barred_reviewer text,
    owner text,
    claim_id uuid,
    lease_expires_at timestamptz,
    freed_at timestamptz,  -- when the last claim ended; the next one begins no earlier
    decided_at timestamptz,
    upheld boolean,
    item jsonb NOT NULL CHECK (NOT item ?| ARRAY['text', 'context']),
    summary jsonb NOT NULL,
    language_guess jsonb NOT NULL,
    scores jsonb,
    placement jsonb NOT NULL,
    gap jsonb,
    decision jsonb,
    FOREIGN KEY (item_id, version_sha256) REFERENCES item_version,
    CONSTRAINT unscored_awaits CHECK (awaits_scores OR scores IS NOT NULL),
    CONSTRAINT claimed_has_lease CHECK (
        (state = 'claimed') = (claim_id IS NOT NULL)
        AND (claim_id IS NULL) = (lease_expires_at IS NULL)
    ),
    CONSTRAINT decided_has_decision CHECK (
        (decision IS NULL) = (decided_at IS NULL)
        AND (decision IS NULL) = (upheld IS NULL)
        AND (state <> 'decided' OR decision IS NOT NULL)
    ),
    CONSTRAINT appeal_bars_decider CHECK (
        (stage = 'appeal') = (barred_reviewer IS NOT NULL)
        AND (stage = 'first' OR decision IS NOT NULL)
    )
);

-- One open case per item. A case under appeal does not block new reports on its item.
CREATE UNIQUE INDEX one_open_case_per_item ON triage_case (item_id)
    WHERE stage = 'first' AND state IN ('received', 'queued', 'claimed');

-- These three serve the claim: the highest index, the nearest due time, the leases run out.
CREATE INDEX waiting_by_index ON triage_case (queue, tier, base_index DESC)
    WHERE state = 'queued';
CREATE INDEX waiting_by_due ON triage_case (queue, tier, due_at)
    WHERE state = 'queued';
CREATE INDEX claimed_by_lease ON triage_case (queue, tier, lease_expires_at)
    WHERE state = 'claimed';

-- Depths of queues count open cases; closed ones, most of the table in time, are left alone.
CREATE INDEX open_by_queue ON triage_case (queue, tier, language)
    WHERE state IN ('received', 'queued', 'claimed');

CREATE INDEX open_without_scores ON triage_case (scoring_failures, tier, received_at)
    WHERE awaits_scores AND state IN ('received', 'queued', 'claimed');
CREATE INDEX violations_by_author ON triage_case (author_ref, decided_at)
    WHERE upheld;

CREATE TABLE report (
    report_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES triage_case,
    reporter_ref text NOT NULL,
    source report_source NOT NULL,
    reason text,
    jurisdiction text,
    legal_deadline timestamptz,
    reported_at timestamptz NOT NULL,
    withdrawn_at timestamptz
);
CREATE INDEX report_by_case ON report (case_id);

-- A lease on a case. The running one has no end yet; a renewal moves lease_expires_at.
CREATE TABLE claim (
    claim_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES triage_case,
    reviewer text NOT NULL,
    claimed_at timestamptz NOT NULL,
    lease_expires_at timestamptz NOT NULL,
    drawn_at_random boolean NOT NULL,
    propensity double precision NOT NULL CHECK (propensity > 0 AND propensity <= 1),
    ended_at timestamptz,
    ended_by case_step,
    CONSTRAINT end_has_reason CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX one_running_claim_per_case ON claim (case_id) WHERE ended_at IS NULL;
ALTER TABLE triage_case ADD FOREIGN KEY (claim_id) REFERENCES claim;

-- Append-only: what happened to a case is what people answer for. Never holds item text or a
-- reporter's identity. The first line of a case comes from nowhere.
CREATE TABLE case_event (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES triage_case,
    at timestamptz NOT NULL,
    step case_step NOT NULL,
    actor text NOT NULL,
    from_state case_state,
    to_state case_state NOT NULL,
    detail jsonb NOT NULL,
    CONSTRAINT begins_with_report CHECK (
        from_state IS NOT NULL OR (step = 'reported' AND to_state = 'received')
    )
);
CREATE INDEX case_event_by_case ON case_event (case_id, sequence);

-- Every decision, also those an appeal replaced; the case itself carries the newest.
CREATE TABLE decision (
    decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES triage_case,
    claim_id uuid NOT NULL UNIQUE REFERENCES claim,
    reviewer text NOT NULL,
    stage case_stage NOT NULL,
    upheld boolean NOT NULL,
    decided_at timestamptz NOT NULL,
    policy_version text NOT NULL,
    body jsonb NOT NULL
);
CREATE INDEX decision_by_case ON decision (case_id);

CREATE TABLE appeal (
    appeal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES triage_case,
    complainant_ref text NOT NULL,
    grounds text NOT NULL,
    appealed_at timestamptz NOT NULL
);
CREATE INDEX appeal_by_case ON appeal (case_id);

-- Whether a report was right, by the newest decision on its case. Reports that were taken back
-- before it count neither way.
CREATE TABLE reporter_outcome (
    report_id uuid PRIMARY KEY REFERENCES report,
    reporter_ref text NOT NULL,
    source report_source NOT NULL,
    upheld boolean NOT NULL,
    decided_at timestamptz NOT NULL
);
CREATE INDEX outcome_by_reporter
    ON reporter_outcome (reporter_ref, source, decided_at DESC, report_id);

-- Announcements for webhooks, written with the change they announce. next_attempt_at is also
-- the lease of whoever is delivering.
CREATE TABLE outbox (
    delivery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES triage_case,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    n_attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    delivered_at timestamptz,
    last_error text NOT NULL DEFAULT ''
);
CREATE INDEX outbox_undelivered ON outbox (case_id, delivery_id) WHERE delivered_at IS NULL;
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE delivered_at IS NULL;

-- The answer to a report, kept for the same question asked again. Keys belong to an actor.
CREATE TABLE idempotency (
    actor text NOT NULL,
    key text NOT NULL,
    body_sha256 text NOT NULL,
    receipt jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (actor, key)
);

CREATE TABLE api_key (
    key_sha256 text PRIMARY KEY,
    name text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE UNIQUE INDEX one_valid_key_per_name ON api_key (name) WHERE revoked_at IS NULL;
