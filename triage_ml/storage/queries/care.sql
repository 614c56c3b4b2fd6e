-- name: note_exposure!
INSERT INTO exposure (reviewer, began_at, at, points, labels)
VALUES (:reviewer, :began_at, :at, :points, :labels);

-- name: exposures
SELECT reviewer, began_at, at, points, labels
FROM exposure
WHERE reviewer = :reviewer AND at >= :since
ORDER BY at, exposure_id;

-- name: erase_exposures!
DELETE FROM exposure WHERE reviewer = :reviewer;

-- name: doses
-- One row a person; the name is used inside and not given.
SELECT locale, sum(points) AS points, max(points) AS highest_day
FROM (
    SELECT a.name, a.locale, sum(e.points) AS points
    FROM exposure e
    JOIN account a ON a.name = e.reviewer
    WHERE e.at >= :since AND e.at < :until
    GROUP BY a.name, a.locale, date_trunc('day', e.at AT TIME ZONE 'UTC')
) days
GROUP BY name, locale;

-- name: forget_exposures!
DELETE FROM exposure WHERE exposure_id = ANY(ARRAY(
    SELECT exposure_id FROM exposure WHERE at < :before LIMIT :limit FOR UPDATE SKIP LOCKED
));

-- name: urgent_waits^
SELECT EXISTS (
    SELECT 1 FROM triage_case
    WHERE queue = :queue AND tier <= 1 AND state = 'queued'
    UNION ALL
    SELECT 1 FROM triage_case
    WHERE queue = :queue AND tier <= 1 AND state = 'claimed' AND lease_expires_at <= :now
) AS waits;
