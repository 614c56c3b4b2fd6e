"""Accounts and sessions in memory (see `triage_ml.testing.memory`), and a quick hash."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from triage_ml.domain.account import Account
from triage_ml.errors import Conflict, NotFound
from triage_ml.ports import SEEN_EVERY


@dataclass(frozen=True, slots=True)
class _Session:
    name: str
    expires_at: datetime
    seen_at: datetime


class MemoryAccounts:
    """`triage_ml.ports.AccountStore` for tests."""

    def __init__(self) -> None:
        super().__init__()
        self._accounts: dict[str, Account] = {}
        self._password_hashes: dict[str, str | None] = {}
        self._sessions: dict[str, _Session] = {}

    async def add_account(self, account: Account, password_hash: str | None) -> None:
        if account.name in self._accounts:
            raise Conflict(f"there is or was an account named {account.name}")
        self._accounts[account.name] = account
        self._password_hashes[account.name] = password_hash

    async def find_account(self, name: str) -> tuple[Account, str | None] | None:
        account = self._accounts.get(name)
        return (account, self._password_hashes[name]) if account else None

    async def save_account(self, account: Account) -> None:
        known = self._account(account.name)
        self._accounts[account.name] = replace(account, created_at=known.created_at)

    async def set_password(self, name: str, password_hash: str) -> None:
        self._password_hashes[self._account(name).name] = password_hash

    async def renew_hash(self, name: str, old: str, new: str) -> None:
        if self._password_hashes.get(name) == old:
            self._password_hashes[name] = new

    async def list_accounts(self) -> list[Account]:
        return [self._accounts[name] for name in sorted(self._accounts)]

    async def open_session(
        self, token_sha256: str, name: str, at: datetime, expires_at: datetime
    ) -> None:
        self._sessions[token_sha256] = _Session(self._account(name).name, expires_at, at)

    async def find_session(
        self, token_sha256: str, now: datetime, idle: timedelta
    ) -> Account | None:
        session = self._sessions.get(token_sha256)
        if session is None or session.expires_at <= now or session.seen_at <= now - idle:
            return None
        account = self._account(session.name)
        if account.disabled_at is not None:
            return None
        if session.seen_at <= now - min(SEEN_EVERY, idle / 2):
            self._sessions[token_sha256] = replace(session, seen_at=now)
        return account

    async def close_session(self, token_sha256: str) -> None:
        self._sessions.pop(token_sha256, None)

    async def close_sessions(self, name: str) -> None:
        for token_sha256, session in list(self._sessions.items()):
            if session.name == name:
                del self._sessions[token_sha256]

    def _account(self, name: str) -> Account:
        if name not in self._accounts:
            raise NotFound("account", name)
        return self._accounts[name]

    def _forget_sessions(self, before: datetime) -> int:
        expired = [key for key, session in self._sessions.items() if session.expires_at < before]
        for token_sha256 in expired:
            del self._sessions[token_sha256]
        return len(expired)


class StubHasher:
    """A hash that takes no time (`workflow.accounts.Hasher`), for tests alone.

    With another `mark` the hashes made before are outdated. `verified` keeps what was checked.
    """

    def __init__(self, mark: str = "1") -> None:
        self.mark = mark
        self.verified: list[str] = []

    def hash(self, password: str) -> str:
        return f"{self.mark}:{_digest(password)}"

    def verify(self, hash: str, password: str) -> bool:
        self.verified.append(hash)
        return hash.partition(":")[2] == _digest(password)

    def is_outdated(self, hash: str) -> bool:
        return not hash.startswith(f"{self.mark}:")


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
