"""What commands open: the database of the settings for one use, and the extra for training."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from triage_ml.errors import SetupFailed

if TYPE_CHECKING:
    from triage_ml.domain.policy import Policy
    from triage_ml.ports import Clock
    from triage_ml.storage.postgres import PostgresCaseStore

T = TypeVar("T")


def with_store(use: "Callable[[PostgresCaseStore, Clock], Awaitable[T]]") -> T:
    """Open the database of the settings for one use; without a server of one's own it is made."""
    from serving.run import with_store as opened
    from serving.settings import Settings

    return asyncio.run(opened(Settings(), use))


def with_policy(use: "Callable[[PostgresCaseStore, Policy, Clock], Awaitable[T]]") -> T:
    """Open the database as `with_store`; a wrong policy is told before one is started."""
    from serving.settings import Settings
    from triage_ml.policy import load_policy

    policy = load_policy(Settings().policy_dir)
    return with_store(lambda store, clock: use(store, policy, clock))


def with_existing_store(use: "Callable[[PostgresCaseStore, Clock], Awaitable[T]]") -> T:
    """Open a database that is there for one use, also beside a server that uses it.

    Raises: SetupFailed where there is none: none is made for the sake of reading it.
    """
    from serving.run import with_existing_store as opened
    from serving.settings import Settings

    return asyncio.run(opened(Settings(), use))


def has_database() -> bool:
    """Say whether `with_existing_store` finds a database to open."""
    from serving.settings import Settings

    return Settings().has_database


@contextmanager
def training_extra(what: str) -> Iterator[None]:
    """Name what needs the extra where something of it is missing. Raises: SetupFailed."""
    try:
        yield
    except ModuleNotFoundError as error:
        reason = f"{what} needs pip install 'triage-ml[training]'"
        raise SetupFailed(f"{error.name} is missing; {reason}") from error
