-- A model beside the live one: on trial, or held against the one that took its place.
-- depends: 0013_scores

-- shadow     scores what the live one scored; nothing is placed by it
-- canary     a share of the texts is its own
-- probation  was live before; the one that is live now is held against it
-- ended      nothing is beside the live one
CREATE TYPE rollout_stage AS ENUM ('shadow', 'canary', 'probation', 'ended');

-- The newest row is how it stands. `version` is the model beside the live one, `against` the live
-- one; of an ended trial they say what it was about.
CREATE TABLE model_rollout (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL REFERENCES model,
    against text NOT NULL REFERENCES model,
    stage rollout_stage NOT NULL,
    share float8 NOT NULL CHECK (share BETWEEN 0 AND 1),
    at timestamptz NOT NULL,
    made_by text NOT NULL,
    reason text NOT NULL,
    limits jsonb NOT NULL,
    CHECK (stage = 'ended' OR version <> against),
    CHECK ((stage = 'canary') = (share > 0))
);

-- What servers counted of a trial. Sums, not events: nothing in it tells of a single text.
CREATE TABLE rollout_tally (
    number bigint NOT NULL REFERENCES model_rollout,
    measure text NOT NULL,
    language text NOT NULL,  -- empty where it does not matter
    outcome text NOT NULL,
    n bigint NOT NULL CHECK (n >= 0),
    PRIMARY KEY (number, measure, language, outcome)
);

CREATE TRIGGER model_rollout_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model_rollout
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();

-- Servers hear of it by the notice that tells them of another live model.
CREATE TRIGGER model_rollout_is_told AFTER INSERT ON model_rollout
    FOR EACH STATEMENT EXECUTE FUNCTION tell_servers();
