from datetime import timedelta

import pytest

from triage_ml.domain.decision import Action, Verdict
from triage_ml.errors import Conflict, DeliveryFailed, InvalidInput, Unauthenticated
from triage_ml.workflow.access import authenticate, create_key, hash_key
from triage_ml.workflow.delivery import LONGEST_DELAY, deliver_due, retry_delay

pytestmark = pytest.mark.anyio


async def test_a_key_opens_until_it_is_revoked(desk):
    """The secret is shown once; only its hash is stored."""
    secret = await create_key(desk.store, desk.clock, "anna", ["review"])
    key = await authenticate(desk.store, secret)
    assert (key.name, key.scopes) == ("anna", frozenset({"review"}))
    assert hash_key(secret) != secret
    await desk.store.revoke_key("anna", desk.clock.now())
    with pytest.raises(Unauthenticated):
        await authenticate(desk.store, secret)


@pytest.mark.parametrize("secret", [None, "", "triage_", "other_abc", "triage_\ud800"])
async def test_anything_else_opens_nothing(desk, secret):
    """Missing, foreign and malformed keys are all the same answer."""
    with pytest.raises(Unauthenticated):
        await authenticate(desk.store, secret)


async def test_a_key_needs_a_name_of_its_own_and_known_scopes(desk):
    """Two callers with one name could not be told apart."""
    await create_key(desk.store, desk.clock, "anna", ["review"])
    with pytest.raises(Conflict):
        await create_key(desk.store, desk.clock, "anna", ["review"])
    for scopes in ([], ["root"]):
        with pytest.raises(InvalidInput, match="scopes"):
            await create_key(desk.store, desk.clock, "ben", scopes)


async def decided(desk):
    await desk.report()
    anna = desk.key("anna")
    [case] = await desk.review.claim(anna, "std-en-safety")
    await desk.review.decide(anna, case.case_id, case.claim.claim_id, Verdict({}, Action.NO_ACTION))


async def test_a_decision_is_announced_once_when_it_arrives(desk):
    """What was delivered is not sent again."""
    await decided(desk)
    sent = []

    async def send(delivery):
        sent.append(delivery.payload["type"])

    assert await deliver_due(desk.store, send, desk.clock) == 1
    assert await deliver_due(desk.store, send, desk.clock) == 0
    assert sent == ["case.decided"]


async def test_a_refused_announcement_comes_again_later(desk):
    """It waits out its delay, then counts one more attempt."""
    await decided(desk)
    attempts = []

    async def send(delivery):
        attempts.append(delivery.n_attempts)
        if len(attempts) == 1:
            raise DeliveryFailed("status 500")

    assert await deliver_due(desk.store, send, desk.clock) == 0
    assert await deliver_due(desk.store, send, desk.clock) == 0
    desk.clock.advance(timedelta(seconds=6))
    assert await deliver_due(desk.store, send, desk.clock) == 1
    assert attempts == [1, 2]


def test_the_delay_doubles_up_to_an_hour():
    """A receiver that is away is asked less and less often, never never."""
    assert retry_delay(1) == timedelta(seconds=5)
    assert retry_delay(2) == timedelta(seconds=10)
    assert retry_delay(1000) == LONGEST_DELAY
