-- Second looks at decisions, golden cases, and what leads ask of the work.
-- depends: 0009_care

-- The lot of a decision, from 0 up to 1: those under a share are judged again. The same as
-- triage_ml.domain.quality.lot. The time of the decision is part of it, so that nobody can tell
-- beforehand; the time zone is fixed, or the function would not be immutable.
CREATE FUNCTION quality_lot(claim_id uuid, decided_at timestamptz)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ('x' || left(md5(claim_id::text || ' ' ||
        (extract(epoch FROM decided_at AT TIME ZONE 'UTC') * 1000000)::bigint::text
    ), 8))::bit(32)::bigint::float8 / 4294967296.0::float8
$$;

CREATE INDEX decision_by_lot ON decision (quality_lot(claim_id, decided_at), decided_at);
CREATE INDEX decision_by_time ON decision (decided_at);
CREATE INDEX claim_drawn_at_random ON claim (claim_id) WHERE drawn_at_random;

-- A decided case with the verdict that is right and why; a lead marks it and may retire it.
CREATE TABLE golden_case (
    golden_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES triage_case,
    marked_by text NOT NULL,
    marked_at timestamptz NOT NULL,
    findings jsonb NOT NULL,
    action text NOT NULL,
    note text NOT NULL,
    retired_at timestamptz
);
CREATE UNIQUE INDEX one_golden_per_case ON golden_case (case_id) WHERE retired_at IS NULL;

-- A second verdict, on a decision or on a golden case. It never changes the case. Notes are the
-- words of people and may quote the item, so they stand here and never in the log.
CREATE TABLE quality_review (
    review_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES triage_case,
    decided_claim uuid REFERENCES decision (claim_id),
    golden_id uuid REFERENCES golden_case,
    reviewer text NOT NULL,
    judged_at timestamptz NOT NULL,
    findings jsonb NOT NULL,
    action text NOT NULL,
    note text NOT NULL,
    differs boolean NOT NULL,
    outcome text CHECK (outcome IN ('first', 'second', 'policy_unclear')),
    settled_by text,
    settled_at timestamptz,
    settlement_note text,
    CONSTRAINT of_one_sample CHECK ((decided_claim IS NULL) <> (golden_id IS NULL)),
    CONSTRAINT settled_whole CHECK (
        (outcome IS NULL) = (settled_by IS NULL)
        AND (outcome IS NULL) = (settled_at IS NULL)
        AND (outcome IS NULL) = (settlement_note IS NULL)
    ),
    CONSTRAINT only_differences_are_settled CHECK (
        outcome IS NULL OR (differs AND decided_claim IS NOT NULL)
    )
);
CREATE UNIQUE INDEX one_second_verdict_per_person
    ON quality_review (coalesce(decided_claim, golden_id), reviewer);
CREATE INDEX second_verdict_by_time ON quality_review (judged_at) WHERE decided_claim IS NOT NULL;
CREATE INDEX verdicts_to_settle ON quality_review (judged_at)
    WHERE differs AND outcome IS NULL AND decided_claim IS NOT NULL;

-- A decision and a second verdict side by side.
CREATE VIEW judged_twice AS
SELECT q.review_id, q.case_id, q.decided_claim, t.queue, t.language,
    d.reviewer AS first_reviewer,
    d.body #> '{verdict,findings}' AS first_findings,
    d.body #>> '{verdict,action}' AS first_action,
    q.reviewer AS second_reviewer, q.findings, q.action, q.note, q.judged_at, q.differs, q.outcome
FROM quality_review q
JOIN decision d ON d.claim_id = q.decided_claim
JOIN triage_case t ON t.case_id = q.case_id;
