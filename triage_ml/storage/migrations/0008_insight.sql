-- What stands beside a case: sketches of decided texts, what became of hints, an author's past.
-- depends: 0007_desk_rules

-- A row per decided case; a worker fills in the sketch. The text of a decided case stays as it is.
CREATE TABLE text_sketch (
    case_id uuid PRIMARY KEY REFERENCES triage_case,
    decided_at timestamptz NOT NULL,
    bands integer[],
    signature bytea,
    CONSTRAINT sketch_is_whole CHECK ((bands IS NULL) = (signature IS NULL))
);
CREATE INDEX sketch_missing ON text_sketch (decided_at DESC) WHERE bands IS NULL;
-- Nobody waits for a sketch to be stored, but pages wait for look-ups: no list of pending entries.
CREATE INDEX sketch_by_band ON text_sketch USING gin (bands) WITH (fastupdate = off);

-- The hints a reviewer saw (0.2 or more, `likelihood.SHOWN`), and whether the newest decision
-- found the label. Narrow, so that a month of it is added up in one quick statement.
CREATE TABLE decided_hint (
    case_id uuid NOT NULL REFERENCES triage_case,
    label text NOT NULL,
    language text NOT NULL,
    trusted double precision NOT NULL,
    found boolean NOT NULL,
    queue text NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, label)
);
CREATE INDEX decided_hint_by_time ON decided_hint (decided_at);

-- What a model is trusted with is `LabelScore.trusted`: its upper bound where it is not measured.
CREATE FUNCTION hints_of(the_case uuid)
RETURNS TABLE (label text, language text, trusted double precision, found boolean, queue text)
LANGUAGE sql STABLE AS $$
    SELECT label, language, trusted,
        coalesce((findings ->> label)::integer >= 1, false), queue
    FROM (
        SELECT hint.key AS label, t.scores ->> 'language' AS language, t.queue,
            t.decision -> 'verdict' -> 'findings' AS findings,
            (hint.value ->> CASE hint.value ->> 'support'
                WHEN 'measured' THEN 'probability' ELSE 'upper' END)::float8 AS trusted
        FROM triage_case t
        CROSS JOIN LATERAL jsonb_each(t.scores -> 'labels') AS hint
        WHERE t.case_id = the_case
    ) hints
    WHERE trusted >= 0.2
$$;

CREATE FUNCTION note_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO text_sketch (case_id, decided_at) VALUES (NEW.case_id, NEW.decided_at)
    ON CONFLICT (case_id) DO UPDATE SET decided_at = excluded.decided_at;
    DELETE FROM decided_hint WHERE case_id = NEW.case_id;
    IF NOT (SELECT hints_withheld FROM claim WHERE claim_id = NEW.claim_id) THEN
        INSERT INTO decided_hint (case_id, label, language, trusted, found, queue, decided_at)
        SELECT NEW.case_id, h.label, h.language, h.trusted, h.found, h.queue, NEW.decided_at
        FROM hints_of(NEW.case_id) h;
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER decision_is_noted AFTER INSERT ON decision
    FOR EACH ROW EXECUTE FUNCTION note_decision();

-- Cases decided before: their sketches are the worker's, their hints of a month are noted here.
INSERT INTO text_sketch (case_id, decided_at)
SELECT case_id, max(decided_at) FROM decision GROUP BY case_id;

INSERT INTO decided_hint (case_id, label, language, trusted, found, queue, decided_at)
SELECT t.case_id, h.label, h.language, h.trusted, h.found, h.queue, t.decided_at
FROM triage_case t
JOIN LATERAL (
    SELECT claim_id FROM decision WHERE case_id = t.case_id ORDER BY decision_id DESC LIMIT 1
) d ON true
JOIN claim c ON c.claim_id = d.claim_id
CROSS JOIN LATERAL hints_of(t.case_id) h
WHERE t.decided_at >= now() - interval '31 days' AND NOT c.hints_withheld;

-- An author's past: violations_by_author knows the upheld ones alone.
CREATE INDEX decided_by_author ON triage_case (author_ref, decided_at DESC)
    WHERE state = 'decided';
CREATE INDEX open_by_author ON triage_case (author_ref)
    WHERE state IN ('received', 'queued', 'claimed');
