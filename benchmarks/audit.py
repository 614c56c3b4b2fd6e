"""Compare what clients were told with what the database holds. Every number must be 0."""

import json
from collections.abc import Mapping
from pathlib import Path

import psycopg

from triage_ml.domain.case import TRANSITIONS
from triage_ml.storage.embedded import EmbeddedServer

OVERLAPPING_CLAIMS = """
    SELECT count(*) FROM claim a JOIN claim b USING (case_id)
    WHERE a.claim_id < b.claim_id
      AND tstzrange(a.claimed_at, coalesce(a.ended_at, a.lease_expires_at))
       && tstzrange(b.claimed_at, coalesce(b.ended_at, b.lease_expires_at))
"""
CHAIN = """
    SELECT case_id, from_state, step, to_state,
        lag(to_state) OVER (PARTITION BY case_id ORDER BY sequence) AS before
    FROM case_event ORDER BY case_id, sequence
"""
LAST_EVENT_DIFFERS = """
    SELECT count(*) FROM triage_case c
    JOIN LATERAL (SELECT to_state FROM case_event e WHERE e.case_id = c.case_id
                  ORDER BY sequence DESC LIMIT 1) last ON true
    WHERE last.to_state <> c.state
"""


def audit(
    env: Mapping[str, str], acknowledged: Mapping[str, str], decided: set[str]
) -> dict[str, int]:
    """Count what must not be: lost or doubled reports, shared cases, illegal steps."""
    if "TRIAGE_DATABASE_URL" in env:
        return _audit(env["TRIAGE_DATABASE_URL"], acknowledged, decided)
    with EmbeddedServer(Path(env["TRIAGE_DATA_DIR"]) / "postgres") as server:
        return _audit(server.url, acknowledged, decided)


def _audit(url: str, acknowledged: Mapping[str, str], decided: set[str]) -> dict[str, int]:
    with psycopg.connect(url) as db:
        rows = db.execute("SELECT report_id::text FROM report").fetchall()
        stored = [report_id for (report_id,) in rows]
        done = db.execute("SELECT case_id::text FROM triage_case WHERE state = 'decided'")
        closed = {case_id for (case_id,) in done.fetchall()}
        reports_of_events = db.execute(
            "SELECT count(*) FROM case_event WHERE step = 'reported'"
        ).fetchone()
        return {
            "acknowledged reports that are not stored": len(
                set(acknowledged.values()) - set(stored)
            ),
            "reports stored more often than acknowledged": len(stored) - len(acknowledged),
            "reports without their event": len(stored) - _first(reports_of_events),
            "acknowledged decisions that are not stored": len(decided - closed),
            "cases held by two reviewers at a time": _count(db, OVERLAPPING_CLAIMS),
            "items with two open cases": _count(
                db,
                "SELECT count(*) FROM (SELECT item_id FROM triage_case "
                "WHERE state IN ('received', 'queued', 'claimed') AND stage = 'first' "
                "GROUP BY item_id HAVING count(*) > 1) twice",
            ),
            "illegal steps in the log": _illegal_steps(db),
            "cases whose state is not that of their last event": _count(db, LAST_EVENT_DIFFERS),
            "decisions without an announcement": _count(
                db,
                "SELECT count(*) FROM decision d WHERE NOT EXISTS "
                "(SELECT FROM outbox o WHERE o.case_id = d.case_id)",
            ),
        }


def _illegal_steps(db: psycopg.Connection) -> int:
    wrong = 0
    for case_id, came_from, step, went_to, before in db.execute(CHAIN):
        legal = {
            str(to)
            for (state, name), to in TRANSITIONS.items()
            if name == step and (came_from is None or state == came_from)
        }
        begins = came_from is None and step == "reported" and went_to == "received"
        if came_from != before or not (begins or went_to in legal):
            wrong += 1
            print(json.dumps({"case": str(case_id), "step": step}))
    return wrong


def _count(db: psycopg.Connection, query: str) -> int:
    return _first(db.execute(query).fetchone())


def _first(row: tuple[int, ...] | None) -> int:
    assert row is not None
    return row[0]
