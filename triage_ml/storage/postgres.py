"""The store on PostgreSQL. The SQL stands in `queries/`, named; each method is one transaction."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

from triage_ml.domain.case import Case, Change
from triage_ml.errors import Conflict, IdempotencyMismatch, NotFound
from triage_ml.ports import (
    Admit,
    ClaimRequest,
    History,
    HistoryWindow,
    Receipt,
    StepFunction,
    Submission,
)
from triage_ml.storage import rows
from triage_ml.storage.outbox import Keys, Outbox
from triage_ml.storage.pool import QUERIES, Connection, Pool, make_pool
from triage_ml.storage.reads import Reads


def utc_now() -> datetime:
    return datetime.now(UTC)


class PostgresCaseStore(Reads, Outbox, Keys):
    """`triage_ml.ports.CaseStore` on a migrated database.

    `now` stamps what a change leaves in the log; reports and claims carry their own time.
    """

    def __init__(self, pool: Pool, now: Callable[[], datetime] = utc_now) -> None:
        super().__init__(pool)
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
    case = await _load(connection, found["case_id"]) if found else None
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
    if await QUERIES.lock_case(connection, case_id=case_id) is None:
        raise NotFound("case", str(case_id))
    return await _load(connection, case_id)


async def _load(connection: Connection, case_id: UUID) -> Case:
    return rows.case_of(await QUERIES.load_case(connection, case_id=case_id))


async def _save(connection: Connection, change: Change, at: datetime) -> None:
    await QUERIES.save_case(connection, **rows.change_parameters(change, at))


async def _withdraw(connection: Connection, case_id: UUID, report_id: UUID, at: datetime) -> None:
    found = await QUERIES.withdraw_report(connection, case_id=case_id, report_id=report_id, at=at)
    if not found["known"]:
        raise NotFound("report", str(report_id))
    if not found["stood"]:
        raise Conflict("this report was withdrawn before")
