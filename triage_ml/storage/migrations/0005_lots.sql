-- A lot for every case, so that a random one is found without sorting its tier by chance.
-- depends: 0003_retention

ALTER TABLE triage_case ADD COLUMN lot float8 NOT NULL DEFAULT random();

CREATE INDEX open_by_lot ON triage_case (queue, tier, lot)
    WHERE state IN ('queued', 'claimed');
