-- name: held_by
-- What a reviewer has on the desk; the lease that ends first comes first.
SELECT t.case_id, t.state, t.stage, t.received_at, t.repeat_actor, t.barred_reviewer, t.owner,
    t.awaits_scores, t.gap, t.scoring_failures, t.item, t.summary, t.language_guess, t.scores,
    t.placement, t.decision,
    v.body, v.context, v.erased_at, v.version_sha256, c.claim_id, c.reviewer, c.claimed_at, c.lease_expires_at,
    c.drawn_at_random, c.propensity, c.hints_withheld, c.held_until
FROM claim c
JOIN triage_case t ON t.case_id = c.case_id AND t.claim_id = c.claim_id
JOIN item_version v USING (item_id, version_sha256)
WHERE c.reviewer = :reviewer AND c.ended_at IS NULL AND c.lease_expires_at > :now
ORDER BY c.lease_expires_at, t.case_id
LIMIT :limit;

-- name: owned_by
-- What was handed to a person and waits; a case whose lease has run out waits again.
SELECT t.case_id, t.state, t.stage, t.received_at, t.repeat_actor, t.barred_reviewer, t.owner,
    t.awaits_scores, t.gap, t.scoring_failures, t.item, t.summary, t.language_guess, t.scores,
    t.placement, t.decision,
    v.body, v.context, v.erased_at, v.version_sha256, c.claim_id, c.reviewer, c.claimed_at, c.lease_expires_at,
    c.drawn_at_random, c.propensity, c.hints_withheld, c.held_until
FROM triage_case t
JOIN item_version v USING (item_id, version_sha256)
LEFT JOIN claim c ON c.claim_id = t.claim_id
WHERE t.owner = :owner AND t.state IN ('queued', 'claimed')
    AND (t.state = 'queued' OR t.lease_expires_at <= :now)
ORDER BY t.tier, t.due_at, t.case_id
LIMIT :limit;
