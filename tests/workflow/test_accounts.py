"""Accounts, signing in, and what stops those who guess."""

import asyncio
import hashlib
from datetime import timedelta

import pytest

from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    SignInFailed,
    TooManyAttempts,
    Unauthenticated,
)
from triage_ml.testing import FixedClock
from triage_ml.testing.memory import MemoryCaseStore
from triage_ml.testing.memory_accounts import StubHasher
from triage_ml.workflow import attempts
from triage_ml.workflow.accounts import Accounts

pytestmark = pytest.mark.anyio
PASSWORD = "a horse and a staple"
NEW_PASSWORD = "a staple and a horse"
WRONG = "a guess of somebody"
SESSION, IDLE = timedelta(hours=12), timedelta(hours=1)


@pytest.fixture
def store() -> MemoryCaseStore:
    return MemoryCaseStore()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def hasher() -> StubHasher:
    return StubHasher()


@pytest.fixture
async def accounts(store, clock, hasher) -> Accounts:
    known = Accounts(store, clock, hasher, session=SESSION, idle=IDLE)
    await known.create("anna", "Anna A.", ["review"], PASSWORD)
    return known


async def fail(accounts, name="anna", password=WRONG):
    with pytest.raises(SignInFailed):
        await accounts.sign_in(name, password)


async def test_who_signs_in_is_known_until_they_sign_out(accounts):
    """The name may be typed in capitals."""
    token = await accounts.sign_in(" Anna ", PASSWORD)
    assert (await accounts.who(token)).name == "anna"
    other = await accounts.sign_in("anna", PASSWORD)
    await accounts.sign_out(token)
    with pytest.raises(Unauthenticated):
        await accounts.who(token)
    assert (await accounts.who(other)).name == "anna"


async def test_a_token_is_long_and_not_stored(accounts, store):
    """Only its hash is; each is another."""
    tokens = {await accounts.sign_in("anna", PASSWORD) for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) >= 43 and token not in str(vars(store)) for token in tokens)
    assert set(store._sessions) == {hashlib.sha256(t.encode()).hexdigest() for t in tokens}


@pytest.mark.parametrize("token", ["", "x", "\ud800", "a" * 64])
async def test_nothing_else_is_a_session(accounts, token):
    """Not even the hash of one."""
    signed_in = await accounts.sign_in("anna", PASSWORD)
    for wrong in (token, hashlib.sha256(signed_in.encode()).hexdigest()):
        with pytest.raises(Unauthenticated):
            await accounts.who(wrong)


async def test_a_session_ends_by_itself(accounts, clock):
    """When it was not used for a while, and after its time though it was."""
    token = await accounts.sign_in("anna", PASSWORD)
    for _ in range(13):
        clock.advance(IDLE - timedelta(minutes=5))
        await accounts.who(token)
    clock.advance(IDLE - timedelta(minutes=5))
    with pytest.raises(Unauthenticated):
        await accounts.who(token)
    unused = await accounts.sign_in("anna", PASSWORD)
    clock.advance(IDLE)
    with pytest.raises(Unauthenticated):
        await accounts.who(unused)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("anna", WRONG),
        ("anna", ""),
        ("anna", PASSWORD + "x"),
        ("anna", PASSWORD.upper()),
        ("anna", "x" * 257),
        ("anna", "x" * 100_000),
        ("anna", "a guess \x00 of somebody"),
        ("anna", "a guess \ud800 of somebody"),
        ("nobody", PASSWORD),
        ("no\x00body", PASSWORD),
        ("", PASSWORD),
        ("x" * 100_000, PASSWORD),
        ("oidc-only", PASSWORD),
        ("disabled", PASSWORD),
    ],
)
async def test_every_refusal_is_the_same(accounts, hasher, store, name, password):
    """Same error, same words, same work: it cannot be told which names there are."""
    await accounts.create("oidc-only", "O", ["review"], None)
    await accounts.create("disabled", "D", ["review"], PASSWORD)
    await accounts.disable("disabled")
    await fail(accounts)
    before = len(hasher.verified)
    with pytest.raises(SignInFailed, match=r"^name or password is wrong$"):
        await accounts.sign_in(name, password)
    assert len(hasher.verified) == before + 1
    assert store._sessions == {}


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 257, "twelve \x00 chars"])
async def test_a_password_has_a_sensible_length(accounts, password):
    """The reason names the field and never the value."""
    for refused in (
        accounts.create("ben", "Ben", ["review"], password),
        accounts.set_password("anna", password),
    ):
        with pytest.raises(InvalidInput, match=r"^password: ") as caught:
            await refused
        assert not password or password not in str(caught.value)
    with pytest.raises(NotFound):
        await accounts.set_password("ben", PASSWORD)


async def test_a_password_is_the_same_from_every_keyboard(accounts):
    """Some systems send a letter and its accent apart, and syllables in pieces."""
    await accounts.create("ben", "Ben", ["review"], "caf\u00e9 \ud55c\uad6d\uc5b4 o\u011flu!!")
    apart = "cafe\u0301 \u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165 og\u0306lu!!"
    assert await accounts.sign_in("ben", apart)


async def test_a_name_is_given_once_whatever_its_case(accounts):
    """And has to be one."""
    with pytest.raises(Conflict):
        await accounts.create("ANNA", "Another", ["review"], PASSWORD)
    with pytest.raises(InvalidInput, match=r"^name: "):
        await accounts.create("anna b", "Another", ["review"], PASSWORD)
    assert [account.name for account in await accounts.all()] == ["anna"]


async def test_a_new_password_ends_every_session(accounts):
    """The old one opens nothing any more."""
    token = await accounts.sign_in("anna", PASSWORD)
    await accounts.set_password("Anna", NEW_PASSWORD)
    with pytest.raises(Unauthenticated):
        await accounts.who(token)
    await fail(accounts, password=PASSWORD)
    assert await accounts.sign_in("anna", NEW_PASSWORD)


async def test_disabling_ends_every_session(accounts, clock):
    """A second time changes nothing; an unknown name is said."""
    token = await accounts.sign_in("anna", PASSWORD)
    disabled = await accounts.disable("ANNA")
    clock.advance(timedelta(minutes=1))
    assert await accounts.disable("anna") == disabled
    with pytest.raises(Unauthenticated):
        await accounts.who(token)
    await fail(accounts, password=PASSWORD)
    for name in ("ben", "no\x00body"):
        with pytest.raises(NotFound):
            await accounts.disable(name)


async def test_preferences_are_kept(accounts):
    """Only those: what somebody did to the account meanwhile stays done."""
    token = await accounts.sign_in("anna", PASSWORD)
    account = await accounts.who(token)
    wanted = {
        "locale": Language.DE,
        "time_zone": "Europe/Berlin",
        "excluded_labels": [Label.SELF_HARM],
    }
    changed = await accounts.prefer(account, **wanted)
    assert changed == await accounts.who(token)
    assert (changed.locale, changed.excluded_labels) == (Language.DE, {Label.SELF_HARM})
    disabled = await accounts.disable("anna")
    assert (await accounts.prefer(account, **wanted)).disabled_at == disabled.disabled_at
    with pytest.raises(InvalidInput, match=r"^time_zone: "):
        await accounts.prefer(account, **{**wanted, "time_zone": "Nowhere"})


async def test_an_outdated_hash_is_replaced_at_the_next_sign_in(accounts, hasher, store):
    """By nothing else, since only then the password is at hand."""
    hasher.mark = "2"
    await fail(accounts)
    assert store._password_hashes["anna"].startswith("1:")
    await accounts.sign_in("anna", PASSWORD)
    assert store._password_hashes["anna"].startswith("2:")
    assert await accounts.sign_in("anna", PASSWORD)


async def test_a_password_set_meanwhile_wins(accounts, hasher, store, monkeypatch):
    """Whoever signs in with the old one at that moment gets no session."""
    opened = store.open_session

    async def set_first(token_sha256, name, at, expires_at):
        await accounts.set_password("anna", NEW_PASSWORD)
        await opened(token_sha256, name, at, expires_at)

    monkeypatch.setattr(store, "open_session", set_first)
    await fail(accounts, password=PASSWORD)
    assert store._sessions == {}


async def test_a_hash_renewed_meanwhile_does_not_matter(accounts, hasher, store, monkeypatch):
    """Two tabs may sign in at once after the parameters were changed."""
    opened = store.open_session

    async def renew_first(token_sha256, name, at, expires_at):
        await store.renew_hash("anna", hasher.hash(PASSWORD), StubHasher("2").hash(PASSWORD))
        await opened(token_sha256, name, at, expires_at)

    monkeypatch.setattr(store, "open_session", renew_first)
    assert await accounts.who(await accounts.sign_in("anna", PASSWORD))


async def test_failures_slow_down_who_guesses(accounts, clock):
    """Five are free; then each doubles the time to the next, up to a quarter of an hour."""
    waits = []
    for _ in range(5):
        await fail(accounts)
    for _ in range(12):
        with pytest.raises(TooManyAttempts) as caught:
            await accounts.sign_in("anna", PASSWORD)
        waits.append(caught.value.retry_after_seconds)
        clock.advance(timedelta(seconds=waits[-1]))
        await fail(accounts)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


async def test_unknown_names_are_slowed_down_as_well(accounts):
    """Or the answer would tell which there are. What cannot be a name counts as one."""
    for name, another in (("nobody", "Nobody"), ("no body", "x" * 1000)):
        for _ in range(5):
            await fail(accounts, name)
        with pytest.raises(TooManyAttempts):
            await accounts.sign_in(another, WRONG)


async def test_others_sign_in_meanwhile_and_a_success_resets(accounts, clock):
    """Each name is counted for itself."""
    await accounts.create("ben", "Ben", ["review"], PASSWORD)
    for _ in range(5):
        await fail(accounts)
    assert await accounts.sign_in("ben", PASSWORD)
    clock.advance(timedelta(seconds=1))
    assert await accounts.sign_in("anna", PASSWORD)
    for _ in range(5):
        await fail(accounts)


async def test_failures_are_forgotten_after_a_day(accounts, clock):
    """A typing error of last week is none of today's."""
    for _ in range(5):
        await fail(accounts)
    clock.advance(timedelta(days=1))
    for _ in range(5):
        await fail(accounts)


async def test_guesses_at_once_are_counted_each(accounts, hasher):
    """They do not slip through while the first is still being checked."""
    before = len(hasher.verified)
    tries = [accounts.sign_in("anna", WRONG) for _ in range(50)]
    errors = [type(e) for e in await asyncio.gather(*tries, return_exceptions=True)]
    assert errors.count(SignInFailed) == len(hasher.verified) - before == 5
    assert errors.count(TooManyAttempts) == 45


async def test_one_password_tried_on_many_names_is_slowed_down(accounts, clock):
    """By all failures together; who is signed in works on, and minutes later all is well."""
    token = await accounts.sign_in("anna", PASSWORD)
    for n in range(200):
        await fail(accounts, f"name-{n}")
    with pytest.raises(TooManyAttempts):
        await accounts.sign_in("anna", PASSWORD)
    assert await accounts.who(token)
    clock.advance(timedelta(minutes=10))
    for _ in range(300):
        await accounts.sign_in("anna", PASSWORD)


async def test_what_is_remembered_of_failures_is_bounded(accounts, clock, monkeypatch):
    """The name that failed last stays."""
    monkeypatch.setattr(attempts, "MAX_NAMES", 3)
    for _ in range(5):
        await fail(accounts)
    for n in range(2):
        await fail(accounts, f"name-{n}")
    with pytest.raises(TooManyAttempts):
        await accounts.sign_in("anna", PASSWORD)
    await fail(accounts, "name-2")
    assert list(accounts._attempts._of_name) == ["name-0", "name-1", "name-2"]
