-- Finds the few versions whose text was erased without reading the many that have theirs.
-- depends: 0022_decided_pairs

CREATE INDEX erased_version ON item_version (item_id, version_sha256) WHERE erased_at IS NOT NULL;
