import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import pytest

from triage_ml.domain.account import Account
from triage_ml.domain.policy import Policy
from triage_ml.domain.report import Item, Report, Source
from triage_ml.domain.taxonomy import Label
from triage_ml.inference.batching import Batcher
from triage_ml.policy import load_policy
from triage_ml.ports import ApiKey, Receipt
from triage_ml.testing import FixedClock, StubDetector, StubScorer
from triage_ml.testing.memory import MemoryCaseStore
from triage_ml.workflow.intake import Intake
from triage_ml.workflow.review import Review
from triage_ml.workflow.scoring import Scoring


@dataclass
class Desk:
    """Everything a use case needs, over the memory store."""

    store: MemoryCaseStore
    scorer: StubScorer
    scoring: Scoring
    policy: Policy
    clock: FixedClock
    intake: Intake = field(init=False)
    review: Review = field(init=False)

    def __post_init__(self) -> None:
        self.intake = Intake(self.store, self.scoring, self.policy, self.clock)
        self.review = Review(
            self.store,
            self.policy,
            self.clock,
            accounts=self.store,
            lease=timedelta(minutes=10),
        )

    async def report(self, item_id: str = "i1", text: str = "a text", **more: object) -> Receipt:
        facts = {"source": Source.USER, "reason": Label.HARASSMENT, "reporter_ref": "r1"} | more
        item = Item(item_id, text, "post", "author-1")
        return await self.intake.submit(item, Report(**facts), "intake")  # type: ignore[arg-type]

    async def person(self, name: str, *scopes: str) -> Account:
        """Make an account."""
        account = Account(name, name.title(), frozenset(scopes or ("review",)), self.clock.now())
        await self.store.add_account(account, None)
        return account

    def key(self, name: str, *scopes: str) -> ApiKey:
        return ApiKey(name, frozenset(scopes or ("review",)), self.clock.now())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def desk() -> Iterator[Desk]:
    scorer = StubScorer()
    detector = StubDetector()
    employ = partial(Batcher, detector=detector, max_waiting=2, n_threads=1, n_cached=0)
    scoring = Scoring(scorer, detector, employ, deadline=timedelta(milliseconds=50))
    policy = load_policy()
    # Hints are withheld by chance; a test that is about it sets the share.
    seeing = replace(policy, priority=replace(policy.priority, blind_share=0.0))
    yield Desk(MemoryCaseStore(random.Random(1)), scorer, scoring, seeing, FixedClock())
    scoring.close()
