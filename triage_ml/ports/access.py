"""Who asks: API keys, accounts and their sessions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from triage_ml.domain.account import Account


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Who calls. The key itself is never stored, only its SHA-256."""

    name: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None = None


class Who(Protocol):
    """Who asks: the name that stands on what they do, and what they may do."""

    @property
    def name(self) -> str: ...

    @property
    def scopes(self) -> frozenset[str]: ...


SEEN_EVERY = timedelta(minutes=1)
"""How often at most a session's last use is written: a page in use asks many times a minute."""


class AccountStore(Protocol):
    """Accounts and their sessions; the stores of cases keep them too.

    Raises, everywhere: StoreUnavailable.
    """

    async def add_account(self, account: Account, password_hash: str | None) -> None:
        """Raises: Conflict when the name was ever used."""
        ...

    async def find_account(self, name: str) -> tuple[Account, str | None] | None:
        """Give the account, disabled or not, and the hash of its password if it has one."""
        ...

    async def save_account(self, account: Account) -> None:
        """Save all but name, password and time of creation. Raises: NotFound."""
        ...

    async def set_password(self, name: str, password_hash: str) -> None:
        """Raises: NotFound."""
        ...

    async def renew_hash(self, name: str, old: str, new: str) -> None:
        """Put a newer hash of the same password in place, unless the password changed since."""
        ...

    async def list_accounts(self) -> list[Account]:
        """Give every account, by name."""
        ...

    async def open_session(
        self, token_sha256: str, name: str, at: datetime, expires_at: datetime
    ) -> None:
        """Raises: NotFound for an unknown account."""
        ...

    async def find_session(
        self, token_sha256: str, now: datetime, idle: timedelta
    ) -> Account | None:
        """Give whose session it is, and mark it as used.

        None when it expired, was not used for as long as `idle`, or its account is disabled.
        """
        ...

    async def close_session(self, token_sha256: str) -> None:
        """End a session, if there is one."""
        ...

    async def close_sessions(self, name: str) -> None:
        """End all sessions of an account."""
        ...
