-- Holding a case, and deciding without hints. The words of 0007_desk_rules need the new step to be
-- committed before.
-- depends: 0006_accounts

ALTER TYPE case_step ADD VALUE 'held' AFTER 'renewed';

-- hints_withheld: the reviewer decides without what the model says.
-- held_until: the reviewer waits for something; the lease lasts until then.
ALTER TABLE claim
    ADD COLUMN hints_withheld boolean NOT NULL DEFAULT false,
    ADD COLUMN held_until timestamptz;

-- The depth of queues, counted without reading a case.
CREATE INDEX open_depths ON triage_case
    (queue, tier, language, state, lease_expires_at, due_at, awaits_scores, received_at)
    WHERE state IN ('received', 'queued', 'claimed');
DROP INDEX open_by_queue;

-- What one person has on the desk.
CREATE INDEX running_by_reviewer ON claim (reviewer) WHERE ended_at IS NULL;
CREATE INDEX waiting_by_owner ON triage_case (owner)
    WHERE owner IS NOT NULL AND state IN ('queued', 'claimed');
