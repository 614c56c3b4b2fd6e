-- Which cases were chosen to learn from, why, and with what chance.
-- depends: 0013_scores

-- The budget of a day (UTC) is its slots: two workers cannot take the same one.
CREATE TABLE labelling_pick (
    day date NOT NULL,
    slot integer NOT NULL CHECK (slot >= 0),
    case_id uuid NOT NULL REFERENCES triage_case,
    picked_at timestamptz NOT NULL,
    language text NOT NULL,
    strategy text NOT NULL CHECK (strategy IN ('random', 'uncertainty', 'disagreement', 'cluster')),
    label text,
    score float8 NOT NULL CHECK (score >= 0 AND score <= 1),
    chance float8 NOT NULL CHECK (chance > 0 AND chance <= 1),
    n_eligible integer NOT NULL CHECK (n_eligible > 0),
    moved_at timestamptz,
    missed_at timestamptz,  -- decided, taken or become urgent before it could be moved
    PRIMARY KEY (day, slot),
    CONSTRAINT moved_or_missed CHECK (moved_at IS NULL OR missed_at IS NULL)
);
CREATE UNIQUE INDEX one_pick_per_case ON labelling_pick (case_id) WHERE missed_at IS NULL;
CREATE INDEX pick_to_move ON labelling_pick (picked_at) WHERE moved_at IS NULL AND missed_at IS NULL;
CREATE INDEX pick_by_time ON labelling_pick (picked_at);

-- A pick is settled once; what it says else is what the labels are weighed by.
CREATE TRIGGER labelling_pick_is_kept BEFORE DELETE OR TRUNCATE ON labelling_pick
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();

CREATE TRIGGER labelling_pick_is_settled_once BEFORE UPDATE ON labelling_pick
    FOR EACH ROW
    WHEN (OLD.moved_at IS NOT NULL OR OLD.missed_at IS NOT NULL
        OR (OLD.day, OLD.slot, OLD.case_id, OLD.picked_at, OLD.language, OLD.strategy, OLD.label,
            OLD.score, OLD.chance, OLD.n_eligible)
        IS DISTINCT FROM (NEW.day, NEW.slot, NEW.case_id, NEW.picked_at, NEW.language, NEW.strategy,
            NEW.label, NEW.score, NEW.chance, NEW.n_eligible))
    EXECUTE FUNCTION refuse_rewriting_history();
