"""What the database says after the reviewers have gone. Every number must be 0."""

import psycopg

from benchmarks.audit import LAST_EVENT_DIFFERS, OVERLAPPING_CLAIMS
from benchmarks.desk.reviewers import Told

TWO_RUNNING = """
    SELECT count(*) FROM (
        SELECT case_id FROM claim WHERE ended_at IS NULL GROUP BY case_id HAVING count(*) > 1
    ) twice
"""
WITHOUT_CLAIM = """
    SELECT count(*) FROM decision d
    LEFT JOIN claim c ON (c.claim_id, c.case_id, c.reviewer, c.ended_by)
        = (d.claim_id, d.case_id, d.reviewer, 'decided')
    WHERE c.claim_id IS NULL
"""


def check(url: str, told: Told) -> dict[str, int]:
    """Compare what reviewers were shown and told with what is stored."""
    claims = list(told.held)
    with psycopg.connect(url) as db:
        stored = db.execute(
            "SELECT claim_id::text, case_id::text FROM decision WHERE claim_id = ANY(%s::uuid[])",
            (list(told.decided),),
        ).fetchall()
        holders = dict(
            db.execute(
                "SELECT claim_id::text, reviewer FROM claim WHERE claim_id = ANY(%s::uuid[])",
                (claims,),
            ).fetchall()
        )
        return {
            "cases held by two reviewers at a time": _count(db, OVERLAPPING_CLAIMS),
            "cases with two running claims": _count(db, TWO_RUNNING),
            "claims shown to somebody else than who holds them": sum(
                shown != {holders.get(claim)} for claim, shown in told.held.items()
            ),
            "decisions without a claim of who decided": _count(db, WITHOUT_CLAIM),
            "acknowledged decisions that are not stored": len(
                told.decided.items() - dict(stored).items()
            ),
            "cases whose state is not that of their last event": _count(db, LAST_EVENT_DIFFERS),
        }


def _count(db: psycopg.Connection, query: str) -> int:
    row = db.execute(query).fetchone()
    assert row is not None
    return int(row[0])
