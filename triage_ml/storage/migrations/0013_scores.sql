-- Every score a case ever got: what a model said, which one, of which text.
-- depends: 0012_then_and_now

-- live     by the model that is live
-- canary   by a model on trial, for its share of the texts; the case was placed by it
-- shadow   by a model on trial, beside the live one; nothing was placed by it
CREATE TYPE score_arm AS ENUM ('live', 'canary', 'shadow');

-- `labels` is label -> [probability, upper bound, severity, support]. Never holds item text.
CREATE TABLE score (
    score_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES triage_case,
    version_sha256 text NOT NULL,
    at timestamptz NOT NULL,
    arm score_arm NOT NULL,
    model_version text NOT NULL,
    language text NOT NULL,
    n_chars integer NOT NULL CHECK (n_chars >= 0),
    p_violation float8 NOT NULL,
    labels jsonb NOT NULL
);
CREATE INDEX score_by_case ON score (case_id, score_id);
CREATE INDEX score_by_time ON score (at, score_id);

CREATE TRIGGER score_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON score
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();
