"""API keys: made once, shown once, stored as a hash."""

import hashlib
import secrets
from collections.abc import Iterable

from triage_ml.domain import account
from triage_ml.domain.report import check_ref
from triage_ml.errors import InvalidInput, Unauthenticated
from triage_ml.ports import ApiKey, CaseStore, Clock

SCOPES = account.SCOPES - {account.LEAD}
"""What a key may open; only a person is a lead."""

PREFIX = "triage_"


async def create_key(store: CaseStore, clock: Clock, name: str, scopes: Iterable[str]) -> str:
    """Make a key and give its secret, which cannot be had again.

    The name identifies the caller: it stands on every claim, decision and event.

    Raises: InvalidInput; Conflict when the name is in use.
    """
    check_ref("name", name)
    if not name.isprintable():
        raise InvalidInput("name", "must be printable, on one line")
    wanted = frozenset(scopes)
    unknown = wanted - SCOPES
    if unknown or not wanted:
        known = ", ".join(sorted(SCOPES))
        raise InvalidInput("scopes", f"must be one or more of {known}")
    # 256 random bits need no slow hash: there is nothing to guess.
    secret = PREFIX + secrets.token_urlsafe(32)
    await store.add_key(ApiKey(name, wanted, clock.now()), hash_key(secret))
    return secret


async def authenticate(store: CaseStore, secret: str | None) -> ApiKey:
    """Find who calls. Raises: Unauthenticated."""
    if not secret or not secret.startswith(PREFIX):
        raise Unauthenticated
    key = await store.find_key(hash_key(secret))
    if key is None:
        raise Unauthenticated
    return key


def hash_key(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
