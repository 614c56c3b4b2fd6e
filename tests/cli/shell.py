"""Typing at the command line, the database behind it, and policies to point it at."""

import asyncio
import io
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from triage_ml import cli
from triage_ml.policy import DEFAULT_FOLDER
from triage_ml.ports import LiveModel
from triage_ml.storage.postgres import PostgresCaseStore

T = TypeVar("T")
Run = Callable[..., tuple[int, str, str]]


def shell(monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> Run:
    """Make what runs `triage …` in this process; `given` stands on its standard input."""

    def run(*arguments: object, given: str | None = None) -> tuple[int, str, str]:
        """Give exit status, output, and errors."""
        capture.readouterr()
        monkeypatch.setattr(sys, "argv", ["triage", *map(str, arguments)])
        if given is not None:
            monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capture.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def on_store(url: str, work: Callable[[PostgresCaseStore], Awaitable[T]], **options: Any) -> T:
    """Open the database beside the commands, once."""

    async def opened() -> T:
        async with PostgresCaseStore.at(url, **options) as store:
            return await work(store)

    return asyncio.run(opened())


def history(url: str) -> list[LiveModel]:
    """Give which models were live, newest first."""
    return on_store(url, lambda store: store.model_history())


def policy_folder(place: Path, **changes: tuple[str, str]) -> Path:
    """Copy the shipped policy, with words of its files replaced."""
    shutil.copytree(DEFAULT_FOLDER, place)
    for name, (old, new) in changes.items():
        path = place / f"{name}.toml"
        written = path.read_text("utf-8")
        assert old in written
        path.write_text(written.replace(old, new), "utf-8")
    return place
