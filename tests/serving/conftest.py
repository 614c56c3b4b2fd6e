"""One app over the memory store, with keys of every scope and a clock that stands still."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from serving.app import create_app
from serving.service import Parts
from serving.settings import Settings
from tests.serving.bench import KEYWORDS, Bench, secret_of
from triage_ml.policy import load_policy
from triage_ml.ports import ApiKey
from triage_ml.testing import FixedClock, StubDetector, StubScorer
from triage_ml.testing.memory import MemoryCaseStore
from triage_ml.workflow.access import SCOPES, hash_key

MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench() -> Iterator[MakeBench]:
    """Start apps with other parts or settings, and stop them at the end."""
    with ExitStack() as stack:

        def make(*, worker: bool = False, send: Any = None, **changes: Any) -> Bench:
            scorer = StubScorer(KEYWORDS)
            clock = FixedClock()
            store = MemoryCaseStore(now=clock.now)
            parts = Parts(
                settings=Settings(**changes.pop("settings", {})),
                policy=load_policy(),
                store=store,
                scorer=scorer,
                detector=StubDetector(),
                clock=clock,
            )
            parts = replace(parts, **changes)
            app: FastAPI = create_app(parts, worker=worker, send=send)
            client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
            stack.enter_context(client)
            assert client.portal is not None
            for scope in SCOPES:
                key = ApiKey(f"key-{scope}", frozenset({scope}), clock.now())
                client.portal.call(store.add_key, key, hash_key(secret_of(scope)))
            lead = ApiKey("key-lead", frozenset({"review", "restricted"}), clock.now())
            client.portal.call(store.add_key, lead, hash_key(secret_of("lead")))
            used = parts.scorer if isinstance(parts.scorer, StubScorer) else scorer
            return Bench(client, app.state.service, store, used, clock)

        yield make


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()
