"""The command line, as a user types it."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from triage_ml import __version__, cli
from triage_ml.testing.artifacts import tiny_artifact


def write_lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_version_and_help(triage):
    """The version is a bare line; no command is an offer of help."""
    assert triage("version") == (0, f"{__version__}\n", "")
    assert "serve" in triage("--help")[1]


def test_scoring_a_file_keeps_the_order(triage, tmp_path):
    """One line out for each line in, without a server."""
    model = tiny_artifact(tmp_path / "model").folder
    source = write_lines(
        tmp_path / "in.jsonl", {"id": "1", "text": "a"}, {"id": "2", "text": "b", "language": "tr"}
    )
    status, printed, notes = triage("score", source, "--model-dir", model)
    rows = [json.loads(line) for line in printed.splitlines()]
    assert (status, [row["id"] for row in rows]) == (0, ["1", "2"])
    assert rows[1]["language"] == "tr"
    assert "2 scored, 0 failed" in notes


def test_scoring_into_a_file_leaves_no_half_file(triage, tmp_path):
    """A bad line is answered in its place and makes the exit status 1."""
    model = tiny_artifact(tmp_path / "model").folder
    source = write_lines(tmp_path / "in.jsonl", {"id": "1"}, {"id": "2", "text": "b"})
    target = tmp_path / "out.jsonl"
    status, _, notes = triage("score", source, "-o", target, "--model-dir", model)
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert (status, rows[0]["error"]["field"], rows[1]["id"]) == (1, "text", "2")
    assert "1 scored, 1 failed" in notes
    assert list(tmp_path.glob("*.part")) == []


def test_scoring_standard_input(triage, tmp_path, monkeypatch):
    """Without a file the lines come from standard input."""
    model = tiny_artifact(tmp_path / "model").folder
    lines = io.TextIOWrapper(io.BytesIO(b'{"id": "1", "text": "a"}\n'))
    monkeypatch.setattr(sys, "stdin", lines)
    status, printed, _ = triage("score", "--model-dir", model)
    assert (status, json.loads(printed)["id"]) == (0, "1")


def test_a_broken_model_is_one_line(triage, tmp_path):
    """A folder that is no artifact is named, with the reason."""
    source = write_lines(tmp_path / "in.jsonl", {"id": "1", "text": "a"})
    status, printed, notes = triage("score", source, "--model-dir", tmp_path)
    assert (status, printed) == (1, "")
    assert notes.startswith("triage: model artifact")
    assert notes.count("\n") == 1


def test_progress_is_shown_on_a_terminal_only(tmp_path, monkeypatch):
    """Elsewhere the output stays plain."""
    source = write_lines(tmp_path / "in.jsonl", {"id": "1"}, {"id": "2"})
    screen = io.StringIO()
    monkeypatch.setattr(cli, "notes", Console(file=screen, force_terminal=True))
    for path in (source, None):
        with cli._progress(path) as tick:
            tick(1)
    assert "1 texts" in screen.getvalue()
    quiet = io.StringIO()
    monkeypatch.setattr(cli, "notes", Console(file=quiet))
    with cli._progress(source) as tick:
        tick(1)
    assert quiet.getvalue() == ""


def test_the_model_is_shown_with_its_support(triage, tmp_path):
    """Version, labels and what each was measured on."""
    artifact = tiny_artifact(tmp_path / "model")
    status, printed, _ = triage("model", "show", "--model-dir", artifact.folder)
    assert status == 0
    assert artifact.manifest.model_version in printed
    assert "hate" in printed


def test_keys_are_made_listed_and_revoked(triage):
    """The secret is printed alone on its line, for scripts."""
    status, secret, _ = triage("keys", "create", "anna", "--scope", "review")
    assert (status, secret.startswith("triage_"), secret.count("\n")) == (0, True, 1)
    assert triage("keys", "create", "anna", "--scope", "review")[0] == 1
    assert "anna" in triage("keys", "list")[1]
    assert triage("keys", "revoke", "anna") == (0, "revoked: anna\n", "")
    assert triage("keys", "revoke", "anna")[0] == 1
    assert secret.strip() not in triage("keys", "list")[1]


def test_migrating_says_when_it_is_done(triage):
    """A second time changes nothing."""
    for _ in range(2):
        assert triage("db", "migrate") == (0, "the database is up to date\n", "")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TRIAGE_PORT", "none", "triage: TRIAGE_PORT: "),
        ("TRIAGE_WEBHOOK_SECRET", "secret", "triage: TRIAGE_WEBHOOK_SECRET: must be whsec_"),
        ("TRIAGE_DATA_DIR", __file__, "triage: cannot write to the data folder"),
        ("TRIAGE_POLICY_DIR", "/nowhere", "triage: policy file policy.toml"),
        ("TRIAGE_DATABASE_URL", "postgresql://127.0.0.1:1/x", "triage: the database cannot be"),
    ],
)
def test_a_wrong_setting_is_one_line(triage, monkeypatch, name, value, said):
    """The line names the setting or the place, and nothing is started."""
    monkeypatch.setenv("TRIAGE_PORT", str(free_port()))
    monkeypatch.setenv(name, value)
    status, _, notes = triage("serve")
    [line] = [line for line in notes.splitlines() if line.startswith("triage:")]
    assert (status, line[: len(said)]) == (1, said)


def test_a_port_in_use_is_one_line(triage):
    """Another program's port is left to it."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, _, notes = triage("serve", "--port", port)
    assert (status, notes.count("\n")) == (1, 1)
    assert f"cannot listen on 127.0.0.1:{port}" in notes


def test_a_full_disk_is_one_line(triage, monkeypatch):
    """Too little room is said before anything is written."""
    import serving.preflight

    monkeypatch.setattr(serving.preflight, "MIN_FREE_BYTES", 2**60)
    status, _, notes = triage("serve", "--port", free_port())
    assert (status, notes.count("\n")) == (1, 1)
    assert "MB free on the disk" in notes


def test_training_without_corpora_says_so(triage, tmp_path):
    """A missing data folder is found before any work."""
    status, _, notes = triage("train", "--data", tmp_path / "nowhere")
    assert status == 1
    assert "nowhere" in notes


def test_training_without_its_libraries_says_how_to_get_them(triage, monkeypatch, tmp_path):
    """Serving installs nothing of training."""
    monkeypatch.setitem(sys.modules, "training.__main__", None)
    status, _, notes = triage("train", "--data", tmp_path)
    assert status == 1
    assert "pip install 'triage-ml[training]'" in notes


def test_an_interrupt_is_no_traceback(triage, monkeypatch):
    """Ctrl-C in the middle of a command ends it as shells expect."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    assert triage("anything")[0] == 130


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(tmp_path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command line in a process of its own, and end it whatever happens."""
    env = {**os.environ, "TRIAGE_DATA_DIR": str(tmp_path / "data"), "TRIAGE_LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "triage_ml.cli", *arguments]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError("".join(lines))


def test_the_demo_starts_fills_and_stops_and_starts_again(tmp_path):
    """Ctrl-C leaves nothing running and loses nothing; the keys stay the same."""
    seen = []
    for _ in range(2):
        with started(tmp_path, "serve", "--demo", "--port", str(free_port())) as server:
            printed = read_until(server, "stop with Ctrl-C")
            [ready] = [line for line in printed if "ready: " in line]
            url = ready.split("ready: ")[1].split("/docs")[0]
            keys = json.loads((tmp_path / "data/demo-keys.json").read_text())
            seen.append((keys, n_open_cases(url, keys["demo-lead"])))
            server.send_signal(signal.SIGINT)
            assert server.wait(30) == 0
        assert not (tmp_path / "data/postgres/data/postmaster.pid").exists()
    assert seen[0] == seen[1]
    assert sum(seen[0][1].values()) >= 40


def n_open_cases(url: str, key: str) -> dict[str, int]:
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.get(f"{url}/v1/queues", headers=headers, trust_env=False)
    return {queue["queue"]: queue["n_open"] for queue in answer.json()["queues"]}


def test_the_worker_runs_alone_and_stops(tmp_path):
    """A worker beside the server ends at SIGTERM, once it works."""
    with started(tmp_path, "worker") as worker:
        read_until(worker, "worker is ready")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
