"""The store on PostgreSQL. The SQL stands in `queries/`, named; each method is one transaction."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar
from uuid import UUID, uuid4

from triage_ml.domain.case import Case, Change
from triage_ml.errors import Conflict, IdempotencyMismatch, NotFound, StoreUnavailable
from triage_ml.ports import (
    Admit,
    ApiKey,
    CaseEvent,
    ClaimRequest,
    Delivery,
    History,
    HistoryWindow,
    QueueDepth,
    Receipt,
    StepFunction,
    StoredReport,
    Submission,
)
from triage_ml.storage import rows
from triage_ml.storage.pool import (
    LOST_RACE,
    MAX_TRIES,
    QUERIES,
    Connection,
    Pool,
    make_pool,
    pause_before_retry,
    transaction,
)

T = TypeVar("T")


def utc_now() -> datetime:
    return datetime.now(UTC)


class PostgresCaseStore:
    """`triage_ml.ports.CaseStore` on a migrated database.

    `now` stamps what a change leaves in the log; reports and claims carry their own time.
    """

    def __init__(self, pool: Pool, now: Callable[[], datetime] = utc_now) -> None:
        self._pool = pool
        self._now = now

    @classmethod
    def at(
        cls,
        url: str,
        *,
        max_size: int = 10,
        timeout_seconds: float = 5.0,
        now: Callable[[], datetime] = utc_now,
    ) -> Self:
        """Describe a store on the database at `url`; `open` or `async with` connects."""
        return cls(make_pool(url, max_size=max_size, timeout_seconds=timeout_seconds), now)

    async def open(self) -> None:
        """Connect in the background; `ping` says whether it worked."""
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def submit(self, submission: Submission, window: HistoryWindow, admit: Admit) -> Receipt:
        async def work(connection: Connection) -> Receipt:
            known = await _begin(connection, submission)
            if known is not None:
                return known
            receipt = await _admit(connection, submission, window, admit)
            await _end(connection, submission, receipt)
            return receipt

        return await self._run(work)

    async def change(self, case_id: UUID, step: StepFunction) -> Case:
        async def work(connection: Connection) -> Case:
            change = step(await _lock(connection, case_id))
            at = self._now()
            if change.withdrawn_report is not None:
                await _withdraw(connection, case_id, change.withdrawn_report, at)
            await _save(connection, change, at)
            return change.case

        return await self._run(work)

    async def claim(self, request: ClaimRequest) -> list[Case]:
        expires_at = request.now + request.lease

        async def work(connection: Connection) -> list[Case]:
            found = QUERIES.claim(
                connection,
                queue=request.queue,
                reviewer=request.reviewer,
                n=request.n,
                now=request.now,
                lease_expires_at=expires_at,
                lease_text=expires_at.isoformat(),
                urgency_weight=request.urgency_weight,
                age_weight=request.age_weight,
                random_share=request.random_share,
                any_language=not request.languages,
                languages=[language.value for language in request.languages],
                excluded_labels=[label.value for label in request.excluded_labels],
            )
            return [rows.case_of(row) async for row in found]

        return await self._run(work)

    async def get_case(self, case_id: UUID) -> Case:
        async with self._connection() as connection:
            row = await QUERIES.load_case(connection, case_id=case_id)
        if row is None:
            raise NotFound("case", str(case_id))
        return rows.case_of(row)

    async def case_of_claim(self, claim_id: UUID) -> UUID:
        async with self._connection() as connection:
            row = await QUERIES.case_of_claim(connection, claim_id=claim_id)
        if row is None:
            raise NotFound("claim", str(claim_id))
        case_id: UUID = row["case_id"]
        return case_id

    async def events(self, case_id: UUID) -> list[CaseEvent]:
        async with self._connection() as connection:
            found = QUERIES.events(connection, case_id=case_id)
            events = [rows.event_of(row) async for row in found]
        if not events:
            raise NotFound("case", str(case_id))
        return events

    async def reports(self, case_id: UUID) -> list[StoredReport]:
        async with self._connection() as connection:
            found = QUERIES.reports(connection, case_id=case_id)
            return [rows.report_of(row) async for row in found]

    async def queue_depths(self, now: datetime) -> list[QueueDepth]:
        async with self._connection() as connection:
            found = QUERIES.queue_depths(connection, now=now)
            return [rows.depth_of(row) async for row in found]

    async def unscored(self, limit: int, max_failures: int) -> list[Case]:
        async with self._connection() as connection:
            found = QUERIES.unscored(connection, limit=limit, max_failures=max_failures)
            return [rows.case_of(row) async for row in found]

    async def take_deliveries(self, limit: int, now: datetime, lease: timedelta) -> list[Delivery]:
        async with self._connection() as connection:
            found = QUERIES.take_deliveries(
                connection, limit=limit, now=now, leased_until=now + lease
            )
            return [rows.delivery_of(row) async for row in found]

    async def settle_delivery(
        self, delivery_id: int, at: datetime, retry_at: datetime | None, error: str = ""
    ) -> None:
        async with self._connection() as connection:
            await QUERIES.settle_delivery(
                connection, delivery_id=delivery_id, at=at, retry_at=retry_at, error=error
            )

    async def find_key(self, key_sha256: str) -> ApiKey | None:
        async with self._connection() as connection:
            row = await QUERIES.find_key(connection, key_sha256=key_sha256)
        return rows.key_of(row) if row else None

    async def add_key(self, key: ApiKey, key_sha256: str) -> None:
        async with self._connection() as connection:
            n_added = await QUERIES.add_key(
                connection,
                key_sha256=key_sha256,
                name=key.name,
                scopes=sorted(key.scopes),
                created_at=key.created_at,
            )
        if n_added == 0:
            raise Conflict(f"there is a valid key named {key.name}")

    async def list_keys(self) -> list[ApiKey]:
        async with self._connection() as connection:
            return [rows.key_of(row) async for row in QUERIES.list_keys(connection)]

    async def revoke_key(self, name: str, at: datetime) -> None:
        async with self._connection() as connection:
            n_revoked = await QUERIES.revoke_key(connection, name=name, at=at)
        if n_revoked == 0:
            raise NotFound("key", name)

    async def ping(self) -> None:
        async with self._connection() as connection:
            await QUERIES.ping(connection)

    def _connection(self) -> AbstractAsyncContextManager[Connection]:
        return transaction(self._pool)

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run a transaction, again if the server gave it up in favour of another one."""
        for n_tries in range(1, MAX_TRIES):
            try:
                async with self._connection() as connection:
                    return await work(connection)
            except LOST_RACE:
                await pause_before_retry(n_tries)
        try:
            async with self._connection() as connection:
                return await work(connection)
        except LOST_RACE as error:
            raise StoreUnavailable("too many write to the same rows at once") from error


async def _begin(connection: Connection, submission: Submission) -> Receipt | None:
    """Take the Idempotency-Key, or give the answer it already got."""
    key = {"actor": submission.actor, "key": submission.idempotency_key}
    if submission.idempotency_key is None or await QUERIES.begin_submission(
        connection,
        **key,
        body_sha256=submission.body_sha256,
        received_at=submission.received_at,
    ):
        return None
    earlier = await QUERIES.find_submission(connection, **key)
    if earlier["body_sha256"] != submission.body_sha256:
        raise IdempotencyMismatch
    return rows.receipt_of(earlier["receipt"])


async def _admit(
    connection: Connection, submission: Submission, window: HistoryWindow, admit: Admit
) -> Receipt:
    item_id = submission.item.item_id
    await QUERIES.lock_item(connection, item_id=item_id)
    found = await QUERIES.find_open_case(connection, item_id=item_id)
    case = await _lock(connection, found["case_id"]) if found else None
    change = admit(case, await _history(connection, submission, window), uuid4())
    await _save(connection, change, submission.received_at)
    report, report_id = submission.report, uuid4()
    await QUERIES.add_report(
        connection,
        report_id=report_id,
        case_id=change.case.case_id,
        reporter_ref=report.reporter_ref,
        source=report.source,
        reason=report.reason,
        jurisdiction=report.jurisdiction,
        legal_deadline=report.legal_deadline,
        reported_at=submission.received_at,
    )
    return Receipt.of(report_id, change.case, case is not None, submission.received_at)


async def _end(connection: Connection, submission: Submission, receipt: Receipt) -> None:
    if submission.idempotency_key is not None:
        await QUERIES.end_submission(
            connection,
            actor=submission.actor,
            key=submission.idempotency_key,
            receipt=rows.receipt_text(receipt),
        )


async def _history(
    connection: Connection, submission: Submission, window: HistoryWindow
) -> History:
    row = await QUERIES.find_history(
        connection,
        author_ref=submission.item.author_ref,
        violations_since=window.violations_since,
        reporter_ref=submission.report.reporter_ref,
        source=submission.report.source,
        n_outcomes=window.n_outcomes,
    )
    return History(**row)


async def _lock(connection: Connection, case_id: UUID) -> Case:
    row = await QUERIES.lock_case(connection, case_id=case_id)
    if row is None:
        raise NotFound("case", str(case_id))
    return rows.case_of(row)


async def _save(connection: Connection, change: Change, at: datetime) -> None:
    await QUERIES.save_case(connection, **rows.change_parameters(change, at))


async def _withdraw(connection: Connection, case_id: UUID, report_id: UUID, at: datetime) -> None:
    found = await QUERIES.withdraw_report(connection, case_id=case_id, report_id=report_id, at=at)
    if not found["known"]:
        raise NotFound("report", str(report_id))
    if not found["stood"]:
        raise Conflict("this report was withdrawn before")
