"""One app over the memory store, with keys of every scope and a clock that stands still."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.app import create_app
from serving.metrics import Metrics
from serving.service import Parts, Service
from serving.settings import Settings
from tests.serving.bench import KEYWORDS, Bench, policy_with
from tests.serving.receiver import Receiver, listening
from triage_ml.testing import FixedClock, StubDetector, StubScorer
from triage_ml.testing.memory import MemoryCaseStore
from triage_ml.workflow.access import SCOPES

MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench() -> Iterator[MakeBench]:
    """Start apps with other parts or settings, and stop them at the end."""
    with ExitStack() as stack:

        def make(**changes: Any) -> Bench:
            clock = FixedClock()
            store = MemoryCaseStore(now=clock.now)
            parts = Parts(
                settings=Settings(**changes.pop("settings", {})),
                policy=policy_with(blind_share=0.0),
                store=store,
                scorer=StubScorer(KEYWORDS),
                detector=StubDetector(),
                clock=clock,
            )
            service = Service(replace(parts, **changes), Metrics())
            stack.callback(service.close)
            client = TestClient(
                create_app(service), raise_server_exceptions=False, follow_redirects=False
            )
            bench = Bench(stack.enter_context(client), service, store, clock)
            for scope in SCOPES:
                bench.add_key(scope, scope)
            bench.add_key("lead", "review", "restricted")
            return bench

        yield make


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found
