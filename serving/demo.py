"""Demo reports in five languages, written for the demo, and the keys to look around with."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from triage_ml.errors import Conflict, SetupFailed
from triage_ml.ports import CaseStore, Clock
from triage_ml.workflow.access import create_key

REPORTS = Path(__file__).with_name("demo_reports.jsonl")
KEY_FILE = "demo-keys.json"
KEYS = {
    "demo-intake": ("intake",),
    "demo-reviewer": ("review",),
    "demo-lead": ("review", "restricted"),
    "demo-admin": ("admin", "restricted"),
    "demo-ml": ("ml",),
}


def demo_reports() -> Iterator[dict[str, Any]]:
    """Give the bodies of POST /v1/reports."""
    with REPORTS.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


async def demo_keys(store: CaseStore, clock: Clock, folder: Path) -> dict[str, str]:
    """Make the demo's keys once and keep them in a file only its owner may read.

    Raises: SetupFailed when the file is gone but the database still has the keys.
    """
    path = folder / KEY_FILE
    if path.exists():
        return _read_keys(path)
    try:
        keys = {name: await create_key(store, clock, name, scopes) for name, scopes in KEYS.items()}
    except Conflict as error:
        raise SetupFailed(
            f"{path} is gone, but its keys are in the database; revoke them with "
            f"`triage keys revoke {' '.join(KEYS)}` and start again"
        ) from error
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(keys, file)
    return keys


def _read_keys(path: Path) -> dict[str, str]:
    try:
        keys = dict(json.loads(path.read_text(encoding="utf-8")))
        return {name: keys[name] for name in KEYS}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SetupFailed(
            f"{path} does not hold the demo's keys; remove it, revoke them with "
            f"`triage keys revoke {' '.join(KEYS)}` and start again"
        ) from error


def submit_demo(url: str, key: str) -> int:
    """Post every demo report; a second time answers as the first. Give how many arrived."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        for number, body in enumerate(demo_reports()):
            answer = client.post(
                "/v1/reports", json=body, headers={"Idempotency-Key": f"demo-{number}"}
            )
            answer.raise_for_status()
        return number + 1
