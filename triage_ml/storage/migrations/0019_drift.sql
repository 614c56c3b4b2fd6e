-- What the texts, scores and decisions of a day add up to, what that says, and alarms.
-- depends: 0013_scores

-- Sums only, never a text: triage_ml.domain.drift.DriftDay says what they are of. `language` is a
-- code, `model_version` empty where no model is asked.
CREATE TABLE drift_day (
    day date NOT NULL,
    sums_of text NOT NULL,
    language text NOT NULL,
    model_version text NOT NULL,
    n bigint NOT NULL CHECK (n > 0),
    sums float8[] NOT NULL,
    PRIMARY KEY (day, sums_of, language, model_version)
);

-- Days that were counted, also those on which nothing happened.
CREATE TABLE drift_counted (
    day date PRIMARY KEY,
    counted_at timestamptz NOT NULL
);

-- What a day said of a series; `language` may be 'all', z is NULL while there is too little.
CREATE TABLE drift_reading (
    day date NOT NULL,
    measure text NOT NULL,
    language text NOT NULL,
    model_version text NOT NULL,
    have integer NOT NULL,
    need integer NOT NULL,
    n bigint NOT NULL,
    before float8 NOT NULL,
    after float8 NOT NULL,
    z float8,
    z_limit float8 NOT NULL,
    matters boolean NOT NULL,
    since date,
    PRIMARY KEY (day, measure, language)
);

-- One open alarm per series. `restart_on`: who saw it says that this is how things are from then
-- on, so that no earlier day is a reference.
CREATE TABLE drift_alarm (
    alarm_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    measure text NOT NULL,
    language text NOT NULL,
    model_version text NOT NULL,
    opened_at timestamptz NOT NULL,
    day date NOT NULL,
    since date NOT NULL,
    before float8 NOT NULL,
    after float8 NOT NULL,
    z float8 NOT NULL,
    z_limit float8 NOT NULL,
    closed_at timestamptz,
    acknowledged_by text,
    acknowledged_at timestamptz,
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
    restart_on date,
    CONSTRAINT acknowledged_whole CHECK (
        (acknowledged_by IS NULL) = (acknowledged_at IS NULL)
        AND (restart_on IS NULL OR acknowledged_at IS NOT NULL)
    )
);
CREATE UNIQUE INDEX one_open_drift_alarm ON drift_alarm (measure, language)
    WHERE closed_at IS NULL;
CREATE INDEX drift_alarm_by_time ON drift_alarm (opened_at);
