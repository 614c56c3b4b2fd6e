"""The end of a process that was started from the command line."""

import subprocess
import sys

HANG = """
import asyncio
from datetime import timedelta
from threading import Event
from types import SimpleNamespace

from serving import run
from triage_ml.testing import StubDetector, StubScorer
from triage_ml.inference import batching
from triage_ml.workflow.scoring import Scoring

batching.CLOSE_SECONDS = 0.01
model, detector = StubScorer(), StubDetector()
model.score = lambda *_: Event().wait()
employ = lambda scorer: batching.Batcher(scorer, detector)
found = Scoring(model, detector, employ, deadline=timedelta(milliseconds=10))
asyncio.run(found.attempt("x", None))
found.close()
print("closed")
run._leave(SimpleNamespace(scoring=found))
"""


def test_a_hung_model_does_not_keep_the_process() -> None:
    """When all else is closed the process ends, though Python would wait for the thread."""
    ended = subprocess.run(
        [sys.executable, "-c", HANG], capture_output=True, text=True, timeout=60, check=True
    )
    assert "closed" in ended.stdout
    assert "the model hangs" in ended.stdout + ended.stderr
