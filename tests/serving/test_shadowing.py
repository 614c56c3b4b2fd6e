"""Scoring beside the live model goes on after a mistake."""

import asyncio
from datetime import timedelta

import pytest

from serving import trial

pytestmark = pytest.mark.anyio


class Stumbling:
    """A shadow that fails twice before it works."""

    def __init__(self) -> None:
        self.n_begun = 0
        self.works = asyncio.Event()

    async def run(self) -> None:
        self.n_begun += 1
        if self.n_begun < 3:
            raise ExceptionGroup("tasks", [ValueError("words of an item")])
        self.works.set()
        await asyncio.Event().wait()


async def test_a_mistake_does_not_end_it_and_is_logged_without_words(monkeypatch, capfd):
    """Or the trial would stand for days without a single comparison."""
    monkeypatch.setattr(trial, "AFTER_A_MISTAKE", timedelta(0))
    shadow = Stumbling()
    task = asyncio.create_task(trial.shadowing(shadow))
    async with asyncio.timeout(5):
        await shadow.works.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    said = "".join(capfd.readouterr())
    assert (shadow.n_begun, "words of an item" in said) == (3, False)
    assert said.count("ValueError") == 2
