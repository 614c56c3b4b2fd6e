-- Erasing the text of items, and what reads decisions in order. The words of 0014_feedback_rules
-- need the new step to be committed before.
-- depends: 0012_then_and_now

ALTER TYPE case_step ADD VALUE 'erased';

-- An erased version keeps its name, because cases and scores point to it; its texts are gone.
ALTER TABLE item_version
    ADD COLUMN erased_at timestamptz,
    ADD CONSTRAINT erased_is_empty CHECK (
        erased_at IS NULL OR (body = '' AND context = '[]'::jsonb)
    );

CREATE FUNCTION text_is_erased(the_item text, the_version text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM item_version
        WHERE (item_id, version_sha256) = (the_item, the_version) AND erased_at IS NOT NULL
    )
$$;

CREATE INDEX case_by_item ON triage_case (item_id);
CREATE INDEX decided_in_order ON triage_case (decided_at, case_id) WHERE decided_at IS NOT NULL;
CREATE INDEX second_verdict_by_case ON quality_review (case_id);
CREATE INDEX golden_by_case ON golden_case (case_id);

-- A reviewer's key in what leaves the database; without the salt it names nobody.
CREATE FUNCTION reviewer_key(reviewer text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT left(encode(sha256(convert_to(salt || 'reviewer' || reviewer, 'UTF8')), 'hex'), 24)
    FROM analytics_salt
$$;
