-- A case that was closed after its text had been erased was not judged: no statistic counts it.
-- depends: 0014_feedback_rules 0020_means

CREATE FUNCTION is_unread(the_decision jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce((the_decision ->> 'unread')::boolean, false)
$$;

-- As in 0008_insight, but that a case nobody could read says nothing of the hints.
CREATE OR REPLACE FUNCTION note_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO text_sketch (case_id, decided_at) VALUES (NEW.case_id, NEW.decided_at)
    ON CONFLICT (case_id) DO UPDATE SET decided_at = excluded.decided_at;
    DELETE FROM decided_hint WHERE case_id = NEW.case_id;
    IF NOT is_unread(NEW.body)
        AND NOT (SELECT hints_withheld FROM claim WHERE claim_id = NEW.claim_id) THEN
        INSERT INTO decided_hint (case_id, label, language, trusted, found, queue, decided_at)
        SELECT NEW.case_id, h.label, h.language, h.trusted, h.found, h.queue, NEW.decided_at
        FROM hints_of(NEW.case_id) h;
    END IF;
    RETURN NULL;
END;
$$;

DROP TRIGGER decision_has_reading ON decision;
CREATE TRIGGER decision_has_reading AFTER INSERT ON decision
    FOR EACH ROW WHEN (NEW.stage = 'first' AND NOT is_unread(NEW.body))
    EXECUTE FUNCTION note_reading();
