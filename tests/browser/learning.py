"""What pages need time to show: decisions, picks, drift, trends, a comparison."""

import shutil
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

from tests.browser.desk import REPORTS, Desk
from triage_ml.domain.drift import LENGTH_EDGES

N_DAYS, N_LONG = 40, 4
N_SPAM = 5
"""Days ago."""

_DISMISSED = {"action": "no_action"}
_REMOVED = {
    "action": "remove_content",
    "facts": "Insults a member, or asks for money under a false name.",
    "explanation": "We removed your comment because it breaks a rule of the group.",
}
_COUNT = "INSERT INTO daily_count VALUES (%s, %s, %s, 'en', 'comment', 'std-en-safety', %s)"
_PICK = (
    "INSERT INTO labelling_pick (day, slot, case_id, picked_at, language, strategy, label, score,"
    " chance, n_eligible, moved_at) VALUES ((now() AT TIME ZONE 'UTC')::date, %s, %s, now(), 'en',"
    " %s, 'harassment', 0.9, 0.5, 9, now())"
)


def decide_some(desk: Desk) -> None:
    """Report texts in five languages, and decide those of them that chance drew."""
    queues = {desk.report(text, reason)["queue"] for text, reason in REPORTS}
    for queue in sorted(queues):
        found = desk.api.post(f"/v1/queues/{queue}/claims", json={"n": 4})
        for row in found.raise_for_status().json()["claims"]:
            body = {"claim_id": row["claim"]["claim_id"], **_verdict(row["case"]["item"]["text"])}
            path = f"/v1/cases/{row['case']['case_id']}/decision"
            desk.api.post(path, json=body).raise_for_status()
    desk.sql("UPDATE claim SET drawn_at_random = true")


def _verdict(text: str) -> dict[str, object]:
    reason = next(reason for known, reason in REPORTS if known == text)
    if "biblioteca" in text:
        return _DISMISSED
    return {**_REMOVED, "findings": {reason: "S2" if reason == "harassment" else "S1"}}


def pick_some(desk: Desk) -> None:
    """Choose a case by each strategy to learn from."""
    for slot, strategy in enumerate(("random", "uncertainty", "disagreement", "cluster")):
        case_id = desk.report()["case_id"]
        assert desk.sql(_PICK, slot, case_id, strategy) == 1
        assert desk.sql("UPDATE triage_case SET queue = 'qa' WHERE case_id = %s", case_id) == 1


def drift(desk: Desk) -> None:
    """Forty days of Turkish texts, the last four of them longer ones, counted and compared."""
    today = datetime.now(UTC).date()
    with psycopg.connect(desk.database_url) as connection:
        for n in range(N_DAYS, 0, -1):
            counts = [0.0] * (len(LENGTH_EDGES) + 1)
            counts[12 if n <= N_LONG else 8] = 90.0 - n % 5
            counts[9] = 10.0 + n % 5
            day = today - timedelta(days=n)
            connection.execute(
                "INSERT INTO drift_day VALUES (%s, 'length', 'tr', '', 100, %s)",
                (day, [*counts, 6_000.0]),
            )
            connection.execute("INSERT INTO drift_counted VALUES (%s, now())", (day,))
    assert "ALARM length tr" in desk.triage("drift", "show")


def count_days(desk: Desk) -> None:
    """Sixty days of counts with quieter weekends, and a day of spam among the last."""
    today = datetime.now(UTC).date()
    with psycopg.connect(desk.database_url) as connection, connection.cursor() as cursor:
        rows: list[tuple[date, str, str, int]] = []
        for n in range(60):
            day = today - timedelta(days=n)
            usual = (0.6 if day.weekday() >= 5 else 1.0) + n % 4 / 10
            reports = {"harassment": 18, "hate": 7, "deception_spam": 9 if n != N_SPAM else 55}
            reports = {label: round(each * usual) for label, each in reports.items()}
            found = {label: round(0.4 * each) for label, each in reports.items()}
            rows += [(day, "reports", label, each) for label, each in reports.items()]
            rows += [(day, "violations", label, each) for label, each in found.items()]
            rows.append((day, "decisions", "", sum(reports.values())))
            rows.append((day, "upheld", "", sum(found.values())))
        cursor.executemany(_COUNT, rows)
        cursor.execute("INSERT INTO daily_count_progress VALUES (true, 0, now())")


def compare(desk: Desk) -> str:
    """Try other tiers on decided cases; give the page of what it found."""
    decide_some(desk)
    with tempfile.TemporaryDirectory(prefix="triage-policy-") as name:
        folder = _other_policy(Path(desk.environment["TRIAGE_POLICY_DIR"]), Path(name) / "policy")
        said = desk.triage("simulate", "--policy", str(folder), "--repeat", "5")
    [kept] = [line for line in said.splitlines() if line.startswith("kept as ")]
    return f"/console/models/comparisons/{kept.removeprefix('kept as ').strip()}"


def _other_policy(policy: Path, folder: Path) -> Path:
    """Copy a policy, with insults in place of self-harm among what may not wait."""
    shutil.copytree(policy, folder)
    changes = {
        "tiers.toml": ("p.self_harm >= 0.6", "p.harassment >= 0.9"),
        "policy.toml": ('version = "', 'version = "insults-first-'),
    }
    for name, (before, after) in changes.items():
        written = (folder / name).read_text(encoding="utf-8")
        if before not in written:
            raise RuntimeError(f"the shipped {name} does not say {before}")
        (folder / name).write_text(written.replace(before, after, 1), encoding="utf-8")
    return folder


def erase(desk: Desk, case_id: str) -> None:
    """Erase the text of a case's item."""
    item_id = desk.case(case_id)["item"]["id"]
    desk.triage("erase", item_id, "--why", "the author asked")
