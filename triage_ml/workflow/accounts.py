"""People at the desk: their accounts, and signing in and out."""

import asyncio
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from triage_ml.domain.account import Account, is_name
from triage_ml.domain.report import check_characters
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import InvalidInput, NotFound, SignInFailed, Unauthenticated
from triage_ml.ports import AccountStore, Clock
from triage_ml.workflow.access import hash_key
from triage_ml.workflow.attempts import Attempts

MIN_PASSWORD_CHARS = 12
MAX_PASSWORD_CHARS = 256
HASHED_AT_ONCE = 2
"""A password's hash takes tens of megabytes while it is computed."""


class Hasher(Protocol):
    """A slow hash for passwords. Blocking: it is called off the event loop."""

    def hash(self, password: str) -> str: ...

    def verify(self, hash: str, password: str) -> bool: ...

    def is_outdated(self, hash: str) -> bool:
        """Say whether `hash` would be computed otherwise now."""
        ...


class Accounts:
    """Accounts with a password, and their sessions.

    A session ends after `session`, or when it was not used for `idle`. Its token is kept
    nowhere, only the SHA-256 of it.
    """

    def __init__(
        self,
        store: AccountStore,
        clock: Clock,
        hasher: Hasher,
        *,
        session: timedelta = timedelta(hours=12),
        idle: timedelta = timedelta(hours=1),
    ) -> None:
        self._store = store
        self._clock = clock
        self._hasher = hasher
        self._session = session
        self._idle = idle
        self._attempts = Attempts()
        self._hashing = asyncio.Semaphore(HASHED_AT_ONCE)
        self._decoy = ""
        self._making_decoy = asyncio.Lock()

    async def create(
        self, name: str, display_name: str, scopes: Iterable[str], password: str | None
    ) -> Account:
        """Make an account; without a password nobody can sign in to it here.

        Raises: InvalidInput; Conflict when the name was ever used.
        """
        account = Account(_plain(name), display_name, frozenset(scopes), self._clock.now())
        hashed = None if password is None else await self._hash(check_password(password))
        await self._store.add_account(account, hashed)
        return account

    async def all(self) -> list[Account]:
        """Give every account, also the disabled ones, by name."""
        return await self._store.list_accounts()

    async def sign_in(self, name: str, password: str) -> str:
        """Open a session and give its token.

        A name that is unknown, disabled or without a password takes the same work as a wrong
        password. Raises: SignInFailed, TooManyAttempts.
        """
        name = _plain(name)
        if not is_name(name):
            name = ""
        given = _given(password)
        decoy = await self._get_decoy()
        found = await self._store.find_account(name) if name else None
        account, hashed = found or (None, None)
        begun_at = self._clock.now()
        self._attempts.begin(name, begun_at)
        verified = await self._verify(hashed or decoy, given)
        enabled = account is not None and account.disabled_at is None
        if not verified or not enabled or hashed is None:
            raise SignInFailed
        self._attempts.succeeded(name, begun_at)
        return await self._open(name, hashed, given)

    async def sign_in_as(self, name: str) -> str:
        """Open a session for whom an identity provider has vouched, and give its token.

        No account is made. Raises: SignInFailed for a name that has none, or a closed one.
        """
        # Not stripped, and of other letters some become ASCII in lower case: nobody is to be
        # signed in by a name that only looks like theirs.
        name = name.lower() if name.isascii() else ""
        found = await self._store.find_account(name) if is_name(name) else None
        if found is None or found[0].disabled_at is not None:
            raise SignInFailed
        now, token = self._clock.now(), secrets.token_urlsafe(32)
        await self._store.open_session(hash_key(token), name, now, now + self._session)
        return token

    async def who(self, token: str) -> Account:
        """Give whose session it is. Raises: Unauthenticated."""
        now = self._clock.now()
        account = await self._store.find_session(hash_key(token), now, self._idle)
        if account is None:
            raise Unauthenticated
        return account

    async def sign_out(self, token: str) -> None:
        await self._store.close_session(hash_key(token))

    async def prefer(
        self,
        account: Account,
        *,
        locale: Language,
        time_zone: str,
        excluded_labels: Iterable[Label],
    ) -> Account:
        """Save how a person wants to work. Raises: InvalidInput, NotFound."""
        # Read anew: an old copy would undo what somebody did to the account meanwhile.
        changed = replace(
            await self._get(account.name),
            locale=locale,
            time_zone=time_zone,
            excluded_labels=frozenset(excluded_labels),
        )
        await self._store.save_account(changed)
        return changed

    async def set_password(self, name: str, password: str) -> None:
        """Set a new password and end the account's sessions. Raises: NotFound, InvalidInput."""
        name = (await self._get(name)).name
        hashed = await self._hash(check_password(password))
        await self._store.set_password(name, hashed)
        await self._store.close_sessions(name)

    async def disable(self, name: str) -> Account:
        """Let nobody sign in to an account again, and end its sessions. Raises: NotFound."""
        account = await self._get(name)
        if account.disabled_at is None:
            account = replace(account, disabled_at=self._clock.now())
            await self._store.save_account(account)
        await self._store.close_sessions(account.name)
        return account

    async def _get(self, name: str) -> Account:
        name = _plain(name)
        found = await self._store.find_account(name) if is_name(name) else None
        if found is None:
            raise NotFound("account", name)
        return found[0]

    async def _open(self, name: str, hashed: str, given: str) -> str:
        now = self._clock.now()
        # 256 random bits need no slow hash: there is nothing to guess.
        token = secrets.token_urlsafe(32)
        await self._store.open_session(hash_key(token), name, now, now + self._session)
        # A password that was set while the old one was checked ended the sessions there were
        # before this one.
        found = await self._store.find_account(name)
        newest = found[1] if found else None
        if newest != hashed and not (newest and await self._verify(newest, given)):
            await self._store.close_session(hash_key(token))
            raise SignInFailed
        if newest == hashed and self._hasher.is_outdated(hashed):
            await self._store.renew_hash(name, hashed, await self._hash(given))
        return token

    async def _get_decoy(self) -> str:
        """Give the hash that passwords of unknown names are held against."""
        async with self._making_decoy:
            if not self._decoy:
                self._decoy = await self._hash(secrets.token_urlsafe(32))
        return self._decoy

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _verify(self, hashed: str, given: str) -> bool:
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.verify, hashed, given)


def check_password(password: str) -> str:
    """Give a password as it is hashed, whichever way a keyboard composed its letters.

    Raises: InvalidInput. Source: RFC 8265, OpaqueString.
    """
    check_characters("password", password)
    # A letter is at most four characters before it is composed; much longer ones take time.
    if len(password) <= 4 * MAX_PASSWORD_CHARS:
        password = unicodedata.normalize("NFC", password)
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        reason = f"must have {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters"
        raise InvalidInput("password", reason)
    return password


def _given(password: str) -> str:
    """Give what is held against a hash; of a text that is nobody's password, nothing."""
    try:
        return check_password(password)
    except InvalidInput:
        return ""


def _plain(name: str) -> str:
    return name.strip().lower()
