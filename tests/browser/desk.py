"""A running service with a console, accounts to sign in with, and reports to review.

Used by the browser tests and by the command that takes the pictures.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import psycopg
from psycopg.errors import LockNotAvailable

from tests.tables import empty_tables
from triage_ml.policy import DEFAULT_FOLDER

TRIAGE = (sys.executable, "-c", "from triage_ml.cli import main; main()")
ROOT = Path(__file__).parents[2]
PASSWORD = "seven quiet herons at noon"
INSULT = "You are a pathetic loser and everybody in this group knows it. Just leave."
LANGUAGES = ("en", "de", "tr", "es", "ko")
TRIES = 100
REPORTS = (
    (INSULT, "harassment"),
    ("Stop telling me how to raise my kids, you clueless idiot.", "harassment"),
    ("WIN a brand new phone!!! Claim it today at http://prize.example/claim", "deception_spam"),
    ("Du bist wirklich das Letzte, niemand hier will deinen Müll lesen.", "harassment"),
    ("Ihr Paket wartet, zahlen Sie jetzt: http://paket.example/zahlen", "deception_spam"),
    ("Sen gerçekten aptalsın, burada kimse seni istemiyor, git artık.", "harassment"),
    ("Tebrikler, ödül kazandınız! Hemen tıklayın: http://odul.example", "deception_spam"),
    ("Eres un inútil y un idiota, nadie aquí quiere leerte.", "harassment"),
    ("¿A qué hora abre la biblioteca el sábado por la mañana?", "deception_spam"),
    ("너는 정말 멍청해, 여기 아무도 너를 좋아하지 않아. 그냥 나가.", "harassment"),
    ("축하합니다! 경품에 당첨되셨습니다. 지금 눌러 주세요: http://gift.example", "deception_spam"),
)  # fmt: skip
_KEPT = (
    "account", "api_key", "model", "model_file", "model_chunk", "model_live", "model_rollout",
    "rollout_tally", "policy_version", "policy_live",
)  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """A service that listens, seen from outside."""

    url: str
    database_url: str
    environment: dict[str, str]
    api: httpx.Client

    def triage(self, *arguments: str, given: str = "") -> str:
        """Run a command of the command line beside the server and give what it printed."""
        return _triage(self.environment, *arguments, given=given)

    def add_account(self, name: str, display_name: str, *scopes: str) -> None:
        chosen = [word for scope in scopes for word in ("--scope", scope)]
        self.triage(
            *("accounts", "add", name, "--display-name", display_name),
            *(*chosen, "--password-stdin"),
            given=PASSWORD + "\n",
        )

    def report(
        self, text: str = INSULT, reason: str = "harassment", **changes: Any
    ) -> dict[str, Any]:
        """Report a new item and give the receipt; `changes` are fields of the item."""
        number = os.urandom(6).hex()
        item = {"id": f"item-{number}", "text": text, "surface": "comment", "author_ref": "a-1"}
        report = {"reporter_ref": f"reporter-{number}", "source": "user", "reason": reason}
        body = {"item": {**item, **changes}, "report": report}
        answer = self.api.post("/v1/reports", json=body)
        answer.raise_for_status()
        receipt: dict[str, Any] = answer.json()
        return receipt

    def escalate(self, case_id: str, owner: str) -> None:
        """Hand a case that waits to somebody."""
        body = {"owner": owner, "reason": "Somebody has to call the club."}
        self.api.post(f"/v1/cases/{case_id}/escalation", json=body).raise_for_status()

    def case(self, case_id: str) -> dict[str, Any]:
        """Read a case as GET /v1/cases/{case_id} gives it."""
        answer = self.api.get(f"/v1/cases/{case_id}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def steps(self, case_id: str) -> list[str]:
        """List the steps of a case's log."""
        answer = self.api.get(f"/v1/cases/{case_id}/events")
        answer.raise_for_status()
        return [row["step"] for row in answer.json()["events"]]

    def sql(self, statement: str, *values: Any) -> int:
        """Change the database behind the service's back; give how many rows it was."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement, values).rowcount

    def expire_lease(self, case_id: str) -> None:
        """Let the running claim of a case end a second ago, as after a long absence."""
        moved = (
            "UPDATE claim SET claimed_at = claimed_at - interval '1 day', "
            "lease_expires_at = now() - interval '1 second' "
            "WHERE case_id = %s AND ended_at IS NULL",
            "UPDATE triage_case SET lease_expires_at = now() - interval '1 second' "
            "WHERE case_id = %s",
        )
        for statement in moved:
            assert self.sql(statement, case_id) == 1

    def blind(self, case_id: str) -> None:
        """Withhold the hints of a running claim, as chance does for some."""
        moved = "UPDATE claim SET hints_withheld = true WHERE case_id = %s AND ended_at IS NULL"
        assert self.sql(moved, case_id) == 1

    def note_exposure(self, name: str, points: float, hours_ago: float) -> None:
        """Put a row into somebody's ledger."""
        statement = (
            "INSERT INTO exposure (reviewer, began_at, at, points, labels) "
            "SELECT %s, at - interval '1 minute', at, %s, '{self_harm}' "
            "FROM (SELECT now() - %s * interval '1 hour' AS at) moment"
        )
        assert self.sql(statement, name, points, hours_ago) == 1

    def prefer(self, name: str, locale: str) -> None:
        """Set the interface language of an account."""
        assert self.sql("UPDATE account SET locale = %s WHERE name = %s", locale, name) == 1

    def clear(self) -> None:
        """Forget every case, session and preference; accounts, keys and models stay."""
        for _ in range(TRIES):
            with suppress(LockNotAvailable):
                self._clear()
                return
        raise AssertionError("the service holds its tables")

    def _clear(self) -> None:
        with psycopg.connect(self.database_url) as connection:
            # The service works on: before both wait for each other, this gives way.
            connection.execute("SET lock_timeout TO '100ms'")
            empty_tables(connection, but=_KEPT)
            connection.execute(
                "UPDATE account SET locale = 'en', time_zone = 'UTC', excluded_labels = '{}'"
            )


def browser_path() -> str | None:
    """Find a Chromium of the system, or the one TRIAGE_TEST_BROWSER names."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("TRIAGE_TEST_BROWSER") or next(
        filter(None, map(shutil.which, names)), None
    )


def browser_options() -> dict[str, Any]:
    """Give how to start the browser: with no way out of this machine, whatever a page asks."""
    inside = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    return {"executable_path": browser_path(), "args": [inside]}


@contextmanager
def running(database_url: str, folder: Path, **settings: str) -> Iterator[Desk]:
    """Start `triage serve` on an empty database, with keys to report and to look with.

    Its policy withholds no hints by chance, so that pages look the same every time.
    """
    given = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    environment = {
        **given,
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        "TRIAGE_DATABASE_URL": database_url,
        "TRIAGE_DATA_DIR": str(folder),
        "TRIAGE_POLICY_DIR": str(_seeing_policy(folder / "policy")),
        "TRIAGE_PORT": "0",
        "TRIAGE_SCORE_DEADLINE": "20s",  # a busy machine must not change what is shown
        **settings,
    }
    scopes = ("intake", "review", "restricted")
    chosen = [word for scope in scopes for word in ("--scope", scope)]
    secret = _triage(environment, "keys", "create", "desk", *chosen).strip()
    server = _Server(environment)
    headers = {"Authorization": f"Bearer {secret}"}
    try:
        url = server.address()
        with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as api:
            yield Desk(url, database_url, environment, api)
    finally:
        server.stop()


def _seeing_policy(folder: Path) -> Path:
    """Copy the shipped policy, with a blind share of none."""
    shutil.copytree(DEFAULT_FOLDER, folder)
    general = folder / "policy.toml"
    written = general.read_text(encoding="utf-8")
    changed = re.sub(r"(?m)^blind_share = [\d.]+", "blind_share = 0", written)
    if changed == written:
        raise RuntimeError("the shipped policy has no blind_share")
    general.write_text(changed, encoding="utf-8")
    return folder


class _Server:
    """`triage serve` as a process of its own; its output is read so that it never blocks."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [*TRIAGE, "serve"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self._lines: list[str] = []
        self._url = ""
        self._known = Event()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def address(self) -> str:
        """Wait until it listens. Raises: RuntimeError with what it printed, if it does not."""
        if not self._known.wait(120) or not self._url:
            raise RuntimeError("the service did not start:\n" + "".join(self._lines))
        return self._url

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if found := re.search(r"is ready: (http://[\d.]+:\d+)", line):
                self._url = found[1]
                self._known.set()
        self._known.set()


def _triage(environment: dict[str, str], *arguments: str, given: str = "") -> str:
    ended = subprocess.run(
        [*TRIAGE, *arguments],
        cwd=ROOT,
        env=environment,
        input=given,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"triage {' '.join(arguments)}: {ended.stderr.strip()}")
    return ended.stdout
