-- What automated means said of a case when people first decided it.
-- depends: 0012_then_and_now

-- Labels that count as found by the model: trusted with a half or more, `routing.LIKELY`. What a
-- model is trusted with is `LabelScore.trusted`: its upper bound where it is not measured.
CREATE FUNCTION labels_found(scores jsonb)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(hint.key ORDER BY hint.key COLLATE "C"), '{}')
    FROM jsonb_each(scores -> 'labels') AS hint
    WHERE (hint.value ->> CASE hint.value ->> 'support'
        WHEN 'measured' THEN 'probability' ELSE 'upper' END)::float8 >= 0.5
$$;

CREATE FUNCTION labels_scored(scores jsonb)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(key ORDER BY key COLLATE "C"), '{}')
    FROM jsonb_object_keys(scores -> 'labels') AS key
$$;

-- Labels a verdict found with S1 or more: S0 is mention, counterspeech, news.
CREATE FUNCTION labels_true(decision jsonb)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(finding.key ORDER BY finding.key COLLATE "C"), '{}')
    FROM jsonb_each_text(decision -> 'verdict' -> 'findings') AS finding
    WHERE finding.value::integer >= 1
$$;

-- The case as it stood at its first decision, and what the model had said of it by then. Later
-- scores, of an appeal or of another model, change nothing of it. model_version is empty where
-- the case had no scores.
CREATE TABLE reading (
    case_id uuid PRIMARY KEY REFERENCES triage_case,
    claim_id uuid NOT NULL UNIQUE REFERENCES claim,
    claimed_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    queue text NOT NULL,
    tier smallint NOT NULL,
    language text NOT NULL,
    model_version text NOT NULL,
    scored text[] NOT NULL,
    found text[] NOT NULL
);

CREATE TRIGGER reading_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reading
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();

CREATE FUNCTION note_reading() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reading (case_id, claim_id, claimed_at, decided_at, queue, tier, language,
        model_version, scored, found)
    SELECT t.case_id, c.claim_id, c.claimed_at, NEW.decided_at, t.queue, t.tier, t.language,
        coalesce(t.scores ->> 'model_version', ''), labels_scored(t.scores), labels_found(t.scores)
    FROM triage_case t, claim c
    WHERE t.case_id = NEW.case_id AND c.claim_id = NEW.claim_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END;
$$;

CREATE TRIGGER decision_has_reading AFTER INSERT ON decision
    FOR EACH ROW WHEN (NEW.stage = 'first') EXECUTE FUNCTION note_reading();

-- Cases decided before: a case keeps its scores from its decision on, unless a complaint opened it
-- again and it was scored anew. What the model said of those is not known any more; where they
-- stood is in the log.
INSERT INTO reading (case_id, claim_id, claimed_at, decided_at, queue, tier, language,
    model_version, scored, found)
SELECT t.case_id, c.claim_id, c.claimed_at, d.decided_at,
    coalesce(placed.said ->> 'queue', t.queue), coalesce((placed.said ->> 'tier')::smallint, t.tier),
    t.language,
    CASE WHEN rescored.yes THEN '' ELSE coalesce(t.scores ->> 'model_version', '') END,
    CASE WHEN rescored.yes THEN '{}' ELSE labels_scored(t.scores) END,
    CASE WHEN rescored.yes THEN '{}' ELSE labels_found(t.scores) END
FROM decision d
JOIN triage_case t USING (case_id)
JOIN claim c ON c.claim_id = d.claim_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN t.stage <> 'first' THEN placed_before_appeal(t.case_id) END AS said
) placed
CROSS JOIN LATERAL (
    SELECT t.stage <> 'first' AND EXISTS (
        SELECT FROM case_event e
        WHERE e.case_id = t.case_id AND e.step = 'scored' AND e.at > d.decided_at
    ) AS yes
) rescored
WHERE d.stage = 'first'
ON CONFLICT DO NOTHING;

CREATE INDEX case_by_received ON triage_case USING brin (received_at);
