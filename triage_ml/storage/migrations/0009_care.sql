-- What reviewers were exposed to: each person's own ledger.
-- depends: 0008_insight

-- Neither the case nor the decision is named: the row says how heavy something was, not what
-- was done with it. The person may delete all of theirs; nobody changes one.
CREATE TABLE exposure (
    exposure_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reviewer text COLLATE "C" NOT NULL,
    began_at timestamptz NOT NULL,
    at timestamptz NOT NULL CHECK (at >= began_at),
    points float8 NOT NULL CHECK (points >= 0 AND points < 'Infinity'),
    labels text[] NOT NULL
);
CREATE INDEX exposure_by_reviewer ON exposure (reviewer, at);
CREATE INDEX exposure_by_age ON exposure (at);

CREATE TRIGGER exposure_is_never_rewritten BEFORE UPDATE ON exposure
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();
