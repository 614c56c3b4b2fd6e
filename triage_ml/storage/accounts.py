"""Accounts of people and their sessions."""

from datetime import datetime, timedelta

from triage_ml.domain.account import Account
from triage_ml.errors import Conflict, NotFound
from triage_ml.ports import SEEN_EVERY
from triage_ml.storage import rows
from triage_ml.storage.pool import QUERIES, Transactions


class StoredAccounts(Transactions):
    """Knows sessions by their hash; see `triage_ml.ports.AccountStore`."""

    async def add_account(self, account: Account, password_hash: str | None) -> None:
        async with self._connection() as connection:
            n_added = await QUERIES.add_account(
                connection,
                **rows.account_columns(account),
                created_at=account.created_at,
                password_hash=password_hash,
            )
        if n_added == 0:
            raise Conflict(f"there is or was an account named {account.name}")

    async def find_account(self, name: str) -> tuple[Account, str | None] | None:
        async with self._connection() as connection:
            row = await QUERIES.find_account(connection, name=name)
        return (rows.account_of(row), row["password_hash"]) if row else None

    async def save_account(self, account: Account) -> None:
        async with self._connection() as connection:
            n_saved = await QUERIES.save_account(connection, **rows.account_columns(account))
        if n_saved == 0:
            raise NotFound("account", account.name)

    async def set_password(self, name: str, password_hash: str) -> None:
        async with self._connection() as connection:
            n_set = await QUERIES.set_password(connection, name=name, password_hash=password_hash)
        if n_set == 0:
            raise NotFound("account", name)

    async def renew_hash(self, name: str, old: str, new: str) -> None:
        async with self._connection() as connection:
            await QUERIES.renew_hash(connection, name=name, old=old, new=new)

    async def list_accounts(self) -> list[Account]:
        async with self._connection() as connection:
            return [rows.account_of(row) async for row in QUERIES.list_accounts(connection)]

    async def open_session(
        self, token_sha256: str, name: str, at: datetime, expires_at: datetime
    ) -> None:
        async with self._connection() as connection:
            n_opened = await QUERIES.open_session(
                connection, token_sha256=token_sha256, name=name, at=at, expires_at=expires_at
            )
        if n_opened == 0:
            raise NotFound("account", name)

    async def find_session(
        self, token_sha256: str, now: datetime, idle: timedelta
    ) -> Account | None:
        async with self._connection() as connection:
            row = await QUERIES.find_session(
                connection,
                token_sha256=token_sha256,
                now=now,
                used_after=now - idle,
                mark_before=now - min(SEEN_EVERY, idle / 2),
            )
        return rows.account_of(row) if row else None

    async def close_session(self, token_sha256: str) -> None:
        async with self._connection() as connection:
            await QUERIES.close_session(connection, token_sha256=token_sha256)

    async def close_sessions(self, name: str) -> None:
        async with self._connection() as connection:
            await QUERIES.close_sessions(connection, name=name)
