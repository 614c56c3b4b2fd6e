-- What comparing two models or policies on past cases found.
-- depends: 0013_scores

-- Which versions were held side by side, counts and waiting times in `summary`, and the moves that
-- are listed one by one. Case ids, never a text.
CREATE TABLE comparison (
    comparison_id uuid PRIMARY KEY,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('models', 'simulation')),
    before_model text NOT NULL,
    before_policy text NOT NULL,
    after_model text NOT NULL,
    after_policy text NOT NULL,
    n_cases integer NOT NULL CHECK (n_cases > 0),
    summary jsonb NOT NULL,
    moves jsonb NOT NULL
);
CREATE INDEX comparison_by_time ON comparison (made_at DESC);
CREATE INDEX comparison_by_models ON comparison (after_model, before_model, made_at DESC)
    WHERE kind = 'models';

-- Promotions rest on it: what was found is never changed and never removed.
CREATE TRIGGER comparison_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON comparison
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();

-- The last N cases are read back in the order in which they came.
CREATE INDEX case_by_arrival ON triage_case (received_at DESC, case_id DESC);
