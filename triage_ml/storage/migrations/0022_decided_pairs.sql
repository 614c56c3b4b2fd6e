-- What both models of a trial had said of the cases that were decided meanwhile. The guard looks
-- every few seconds: to read the decisions of the whole trial anew each time would take too long.
-- depends: 0021_unread

-- A row per decided case of the newest trial in the log, kept as decisions are taken. Narrow, and
-- emptied when the next line of the log begins. `beside` and `live` are probabilities of a
-- violation, by the model beside the live one and by the live one.
CREATE TABLE decided_pair (
    case_id uuid PRIMARY KEY REFERENCES triage_case,
    number bigint NOT NULL REFERENCES model_rollout,
    queue text NOT NULL,
    language text NOT NULL,
    upheld boolean NOT NULL,
    beside float8 NOT NULL,
    live float8 NOT NULL
);

-- The row of a case, if it was decided after both models had scored the text that was decided on;
-- by its newest scores.
CREATE FUNCTION decided_pair_of(the_case uuid) RETURNS SETOF decided_pair LANGUAGE sql STABLE AS $$
    SELECT t.case_id, r.number, t.queue, beside.language, t.upheld, beside.p_violation,
        live.p_violation
    FROM triage_case t
    CROSS JOIN (
        SELECT number, stage, version, against, at FROM model_rollout ORDER BY number DESC LIMIT 1
    ) r
    CROSS JOIN LATERAL (
        SELECT s.language, s.p_violation FROM score s
        WHERE s.case_id = t.case_id AND s.version_sha256 = t.version_sha256
            AND s.arm = 'shadow' AND s.model_version = r.version
            AND s.at >= r.at AND s.at <= t.decided_at
        ORDER BY s.score_id DESC
        LIMIT 1
    ) beside
    CROSS JOIN LATERAL (
        SELECT s.p_violation FROM score s
        WHERE s.case_id = t.case_id AND s.version_sha256 = t.version_sha256
            AND s.arm = 'live' AND s.model_version = r.against
        ORDER BY s.score_id DESC
        LIMIT 1
    ) live
    WHERE t.case_id = the_case AND t.state = 'decided' AND t.decided_at >= r.at
        AND r.stage <> 'ended' AND NOT is_unread(t.decision)
$$;

CREATE FUNCTION note_decided_pair() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Wait for a decision that is under way: of a shadow score written meanwhile it knows nothing,
    -- and the next statement sees it.
    PERFORM FROM triage_case WHERE case_id = NEW.case_id FOR KEY SHARE;
    INSERT INTO decided_pair SELECT * FROM decided_pair_of(NEW.case_id)
    ON CONFLICT (case_id) DO UPDATE SET number = excluded.number, queue = excluded.queue,
        language = excluded.language, upheld = excluded.upheld, beside = excluded.beside,
        live = excluded.live;
    RETURN NULL;
END;
$$;

CREATE TRIGGER decision_has_pair AFTER INSERT ON decision
    FOR EACH ROW EXECUTE FUNCTION note_decided_pair();

-- A server writes what a shadow said a little after it was said.
CREATE TRIGGER shadow_has_pair AFTER INSERT ON score
    FOR EACH ROW WHEN (NEW.arm = 'shadow') EXECUTE FUNCTION note_decided_pair();

-- Under complaint a case is not decided; the next decision on it is noted like the first.
CREATE FUNCTION drop_decided_pair() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM decided_pair WHERE case_id = NEW.case_id;
    RETURN NULL;
END;
$$;

CREATE TRIGGER appeal_drops_pair AFTER INSERT ON appeal
    FOR EACH ROW EXECUTE FUNCTION drop_decided_pair();

-- Of a trial that runs already.
INSERT INTO decided_pair
SELECT p.*
FROM triage_case t
CROSS JOIN LATERAL decided_pair_of(t.case_id) p
WHERE t.decided_at >= (SELECT at FROM model_rollout ORDER BY number DESC LIMIT 1);
