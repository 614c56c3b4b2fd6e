"""Reports into the database: those that wait together share one transaction, and its commit."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from uuid import uuid4

import psycopg

from triage_ml.domain.case import Case
from triage_ml.errors import IdempotencyMismatch, StoreUnavailable
from triage_ml.ports import Admit, HistoryWindow, Receipt, Submission
from triage_ml.storage import rows
from triage_ml.storage.groups import Groups
from triage_ml.storage.pool import LOST_RACE, QUERIES, Connection, Pool, Transactions

LOCK_PATIENCE = "1s"
"""How long a group waits for the locks of its items; then each report waits for its own."""

_REFUSED = (
    *LOST_RACE,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.ProgramLimitExceeded,
)
"""Failures after which the server surely stored nothing, and that one report may cause."""


@dataclass(frozen=True, slots=True)
class _Work:
    submission: Submission
    window: HistoryWindow
    admit: Admit

    @property
    def slots(self) -> frozenset[Hashable]:
        """The item, and the Idempotency-Key of its actor."""
        submission = self.submission
        key = submission.idempotency_key
        named = [] if key is None else [(submission.actor, key)]
        return frozenset((submission.item.item_id, *named))

    @property
    def n_chars(self) -> int:
        item = self.submission.item
        return len(item.text) + sum(len(context.text) for context in item.context)


@dataclass(frozen=True, slots=True)
class _Admitted:
    """What an admitted submission leaves in the database, as JSON."""

    receipt: Receipt
    change_text: str
    report_text: str
    receipt_text: str | None


class Submissions(Transactions):
    """Stores reports; see `triage_ml.ports.CaseStore`."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._groups: Groups[_Work, Receipt] = Groups(self._store)

    async def submit(self, submission: Submission, window: HistoryWindow, admit: Admit) -> Receipt:
        return await self._groups.add(_Work(submission, window, admit))

    async def _store(self, group: Sequence[_Work]) -> list[Receipt | Exception]:
        """Store a group. Raises: StoreUnavailable; psycopg.Error when nothing was stored."""

        async def work(connection: Connection) -> list[Receipt | Exception]:
            async with connection.pipeline():
                outcomes = await _admit(connection, group)
                await _save(connection, [o for o in outcomes if isinstance(o, _Admitted)])
                await connection.commit()  # here, so that it travels with the statements
            return [o.receipt if isinstance(o, _Admitted) else o for o in outcomes]

        try:
            return await self._run(work)
        except StoreUnavailable as error:
            cause = error.__cause__
            if len(group) > 1 and isinstance(cause, _REFUSED):
                raise cause from None
            raise
        except psycopg.Error as error:
            if len(group) > 1:
                raise
            # The same kind without the server's words: they can quote the report.
            return [type(error)("refused by the database")]


async def _admit(
    connection: Connection, group: Sequence[_Work]
) -> list[_Admitted | Receipt | Exception]:
    """Lock what the group works on and read it, in one round trip; then decide each."""
    lookups = rows.json_list(rows.lookup_text(work.submission, work.window) for work in group)
    if len(group) > 1:
        await connection.execute(QUERIES.set_patience.sql, {"patience": LOCK_PATIENCE})
    await connection.execute(QUERIES.take_slots.sql, {"group": lookups})
    await connection.execute(QUERIES.lock_open_cases.sql, {"group": lookups})
    found = await connection.execute(QUERIES.find_past.sql, {"group": lookups})
    pasts = await found.fetchall()
    return [_decided(work, past) for work, past in zip(group, pasts, strict=True)]


def _decided(work: _Work, past: rows.Row) -> _Admitted | Receipt | Exception:
    """Admit a submission, or find its earlier answer; its own errors stay its own."""
    try:
        return _earlier(work.submission, past) or _admitted(work, past)
    except Exception as error:
        return error


def _earlier(submission: Submission, past: rows.Row) -> Receipt | None:
    if past["receipt"] is None:
        return None
    if past["body_sha256"] != submission.body_sha256:
        raise IdempotencyMismatch
    return rows.receipt_of(past["receipt"])


def _admitted(work: _Work, past: rows.Row) -> _Admitted:
    submission = work.submission
    case: Case | None = rows.case_of(past) if past["case_id"] else None
    change = work.admit(case, rows.history_of(past), uuid4())
    receipt = Receipt.of(uuid4(), change.case, case is not None, submission.received_at)
    keyed = submission.idempotency_key is not None
    return _Admitted(
        receipt,
        rows.change_text(change, submission.received_at),
        rows.report_text(submission, receipt),
        rows.receipt_text(submission, receipt) if keyed else None,
    )


async def _save(connection: Connection, admitted: Sequence[_Admitted]) -> None:
    if not admitted:
        return
    changes = rows.json_list(one.change_text for one in admitted)
    await connection.execute(QUERIES.save_cases.sql, {"changes": changes})
    reports = rows.json_list(one.report_text for one in admitted)
    await connection.execute(QUERIES.add_reports.sql, {"reports": reports})
    receipts = [one.receipt_text for one in admitted if one.receipt_text is not None]
    if receipts:
        await connection.execute(QUERIES.keep_receipts.sql, {"receipts": rows.json_list(receipts)})
