"""An app over the memory store with one account."""

import pytest

from tests.console.desk import bench_with_mara
from tests.console.person import Person
from tests.serving.bench import Bench
from tests.serving.conftest import MakeBench, make_bench

__all__ = ["make_bench"]


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return bench_with_mara(make_bench)


@pytest.fixture
def stranger(bench: Bench) -> Person:
    """A browser that has never been here."""
    return Person(bench)


@pytest.fixture
def person(stranger: Person) -> Person:
    """Somebody who is signed in."""
    assert stranger.sign_in().status_code == 303
    return stranger
