"""A report in: scored if that can be had in time, stored in any case."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from triage_ml.domain.admission import join_report, open_case
from triage_ml.domain.case import Case, Change, Stage
from triage_ml.domain.policy import Policy
from triage_ml.domain.priority import Circumstances, reporter_factor
from triage_ml.domain.report import Item, Report, ReportSummary, merge_item
from triage_ml.ports import CaseStore, Clock, History, HistoryWindow, Receipt, Submission
from triage_ml.workflow.scoring import Scored, Scoring

Stored = Callable[[Change, Scored], object]


class Intake:
    """Accepts reports. `stored` hears of each that changed a case, once it is committed."""

    def __init__(
        self,
        store: CaseStore,
        scoring: Scoring,
        policy: Policy,
        clock: Clock,
        stored: Stored = lambda *_: None,
    ) -> None:
        self._stored = stored
        self._store = store
        self._scoring = scoring
        self._policy = policy
        self._clock = clock

    async def submit(
        self,
        item: Item,
        report: Report,
        actor: str,
        idempotency_key: str | None = None,
        body_sha256: str = "",
    ) -> Receipt:
        """Accept a report. When this returns, the report is committed.

        Without a model's scores the case is queued by the report's reason and its age, and
        the worker scores it later.

        Raises: InvalidInput, IdempotencyMismatch, StoreUnavailable.
        """
        scored = await self._scoring.attempt(item.text, item.language_hint)
        now = self._clock.now()
        submission = Submission(item, report, actor, now, idempotency_key, body_sha256)

        admitted: list[Change] = []  # the last is what was stored: a transaction may run again

        def admit(existing: Case | None, history: History, case_id: UUID) -> Change:
            report.check_deadline(now)
            admitted.append(self._admit(existing, history, case_id, submission, scored))
            return admitted[-1]

        receipt = await self._store.submit(submission, self._window(now), admit)
        if admitted and admitted[-1].case.case_id == receipt.case_id:
            with suppress(Exception):  # the report is stored, whatever becomes of this
                self._stored(admitted[-1], scored)
        return receipt

    def _window(self, now: datetime) -> HistoryWindow:
        row = self._policy.priority
        return HistoryWindow(row.reporter_window, now - timedelta(days=row.repeat_actor_days))

    def _admit(
        self,
        existing: Case | None,
        history: History,
        case_id: UUID,
        submission: Submission,
        scored: Scored,
    ) -> Change:
        row = self._policy.priority
        report, now = submission.report, submission.received_at
        factor = reporter_factor(row, report.source, history.n_outcomes, history.n_upheld)
        summary = (existing.summary if existing else ReportSummary()).add(report, factor)
        facts = Circumstances(
            item=merge_item(existing.item, submission.item) if existing else submission.item,
            summary=summary,
            language=scored.language.language,
            stage=existing.stage if existing else Stage.FIRST,
            repeat_actor=history.author_violations >= row.repeat_actor_violations,
        )
        said = scored.language, scored.scores, now, submission.actor, scored.arm
        if existing is None:
            return open_case(case_id, self._policy, facts, *said)
        return join_report(existing, self._policy, facts, *said)
