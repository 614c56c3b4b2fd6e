-- Rules the tables keep themselves, and the index of a case as SQL.
-- depends: 0001_cases

CREATE FUNCTION refuse_rewriting_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END;
$$;

-- The log is evidence: what was recorded is never changed and never removed, by anybody.
CREATE TRIGGER case_event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON case_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();

CREATE TRIGGER decision_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();

-- A case begins as queued at the latest (its first two steps are one transaction) and moves
-- only where a step of case_transition leads. After the row, because an upsert would fire a
-- BEFORE INSERT trigger for a case that exists.
CREATE FUNCTION refuse_illegal_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.state IN ('received', 'queued') THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.state = OLD.state OR EXISTS (
        SELECT FROM case_transition WHERE from_state = OLD.state AND to_state = NEW.state
    )) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'illegal move of a case to %', NEW.state
        USING ERRCODE = 'integrity_constraint_violation';
END;
$$;

CREATE TRIGGER case_moves_legally AFTER INSERT OR UPDATE OF state ON triage_case
    FOR EACH ROW EXECUTE FUNCTION refuse_illegal_move();

CREATE FUNCTION refuse_illegal_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.from_state IS NULL OR EXISTS (
        SELECT FROM case_transition
        WHERE (from_state, step, to_state) = (NEW.from_state, NEW.step, NEW.to_state)
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'illegal step % from % to %', NEW.step, NEW.from_state, NEW.to_state
        USING ERRCODE = 'integrity_constraint_violation';
END;
$$;

CREATE TRIGGER case_event_is_legal BEFORE INSERT ON case_event
    FOR EACH ROW EXECUTE FUNCTION refuse_illegal_step();

-- The same formula as triage_ml.domain.priority.index_at: base + urgency + age.
CREATE FUNCTION live_index(
    base double precision,
    handling_seconds double precision,
    received_at timestamptz,
    due_at timestamptz,
    urgency_weight double precision,
    age_weight double precision,
    moment timestamptz
) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT base
        + urgency_weight * greatest(
            0.0::float8,
            (4 * handling_seconds - extract(epoch FROM due_at - moment)::float8) / (4 * handling_seconds)
        )
        + age_weight * greatest(0.0::float8, extract(epoch FROM moment - received_at)::float8)
            / greatest(extract(epoch FROM due_at - received_at)::float8, 1.0::float8)
$$;
