"""An app over the memory store with one account."""

import pytest

from tests.console.person import PASSWORD, Person, PlainHasher
from tests.serving.bench import Bench
from tests.serving.conftest import MakeBench, make_bench

__all__ = ["make_bench"]


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    bench = make_bench(hasher=PlainHasher())
    bench.run(bench.service.accounts.create, "mara", "Mara Diaz", ["review"], PASSWORD)
    return bench


@pytest.fixture
def stranger(bench: Bench) -> Person:
    """A browser that has never been here."""
    return Person(bench)


@pytest.fixture
def person(stranger: Person) -> Person:
    """Somebody who is signed in."""
    assert stranger.sign_in().status_code == 303
    return stranger
