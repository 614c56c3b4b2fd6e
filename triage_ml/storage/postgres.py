"""The store on PostgreSQL. The SQL stands in `queries/`, named.

Each method is one transaction, which reports that arrive together share.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from uuid import UUID

from triage_ml.domain.case import Case, Change
from triage_ml.errors import Conflict, NotFound
from triage_ml.ports import ClaimRequest, StepFunction
from triage_ml.storage import rows
from triage_ml.storage.accounts import StoredAccounts
from triage_ml.storage.care import StoredCare, note_exposure
from triage_ml.storage.drift import StoredDrift
from triage_ml.storage.feedback import StoredFeedback
from triage_ml.storage.insight import StoredInsight
from triage_ml.storage.labelling import StoredLabelling
from triage_ml.storage.means import StoredMeans
from triage_ml.storage.models import Models
from triage_ml.storage.outbox import Keys, Outbox
from triage_ml.storage.pool import QUERIES, Connection, Pool, make_pool
from triage_ml.storage.quality import StoredQuality
from triage_ml.storage.reads import Reads
from triage_ml.storage.records import StoredRecords
from triage_ml.storage.replay import StoredReplay
from triage_ml.storage.rollout import StoredRollout
from triage_ml.storage.simulate import StoredComparisons
from triage_ml.storage.submissions import Submissions
from triage_ml.storage.trends import StoredTrends


def utc_now() -> datetime:
    return datetime.now(UTC)


class PostgresCaseStore(
    Submissions,
    Reads,
    Outbox,
    Keys,
    StoredAccounts,
    StoredInsight,
    StoredCare,
    StoredQuality,
    StoredTrends,
    StoredLabelling,
    StoredDrift,
    StoredRecords,
    StoredComparisons,
    StoredMeans,
    StoredReplay,
    StoredRollout,
    StoredFeedback,
    Models,
):
    """Every port that stores something, on a migrated database.

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
        """Finish the reports that are being stored, refuse those that wait, disconnect."""
        await self._groups.close()
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

    async def change(self, case_id: UUID, step: StepFunction) -> Case:
        async def work(connection: Connection) -> Case:
            change = step(await _lock(connection, case_id))
            at = self._now()
            if change.withdrawn_report is not None:
                await _withdraw(connection, case_id, change.withdrawn_report, at)
            await _save(connection, change, at)
            if change.exposure is not None:
                await note_exposure(connection, change.exposure)
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
                blind_share=request.blind_share,
                any_language=not request.languages,
                languages=[language.value for language in request.languages],
                excluded_labels=[label.value for label in request.excluded_labels],
            )
            return [rows.case_of(row) async for row in found]

        return await self._run(work)


async def _lock(connection: Connection, case_id: UUID) -> Case:
    if await QUERIES.lock_case(connection, case_id=case_id) is None:
        raise NotFound("case", str(case_id))
    return await _load(connection, case_id)


async def _load(connection: Connection, case_id: UUID) -> Case:
    return rows.case_of(await QUERIES.load_case(connection, case_id=case_id))


async def _save(connection: Connection, change: Change, at: datetime) -> None:
    await QUERIES.save_cases(connection, changes=rows.json_list([rows.change_text(change, at)]))


async def _withdraw(connection: Connection, case_id: UUID, report_id: UUID, at: datetime) -> None:
    found = await QUERIES.withdraw_report(connection, case_id=case_id, report_id=report_id, at=at)
    if not found["known"]:
        raise NotFound("report", str(report_id))
    if not found["stood"]:
        raise Conflict("this report was withdrawn before")
