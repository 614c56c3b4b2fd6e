"""What leads see of the work, golden cases and second verdicts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from triage_ml.domain.decision import Action
from triage_ml.domain.quality import Judgement, Outcome, SampleKind
from triage_ml.domain.taxonomy import Label, Language, Severity, Tier
from triage_ml.errors import Conflict, NotFound
from triage_ml.ports.leads import (
    GoldenCase,
    HandlingTime,
    HeldCase,
    Pair,
    Revision,
    Sample,
    SampleRequest,
    SecondVerdict,
    Settlement,
)
from triage_ml.storage.pool import QUERIES, Transactions
from triage_ml.storage.rows import Row, json_text


class StoredQuality(Transactions):
    """See `triage_ml.ports.leads.LeadStore`."""

    async def work_in_hand(
        self, now: datetime, queues: Sequence[str], limit: int
    ) -> list[HeldCase]:
        async with self._connection() as connection:
            found = QUERIES.work_in_hand(connection, now=now, queues=list(queues), limit=limit)
            return [HeldCase(**{**row, "tier": Tier(row["tier"])}) async for row in found]

    async def draw_sample(self, request: SampleRequest, kind: SampleKind) -> UUID | None:
        golden = kind is SampleKind.GOLDEN
        draw = QUERIES.draw_golden if golden else QUERIES.draw_decision
        asked = _asked(request) if golden else {**_asked(request), **_drawn(request)}
        async with self._connection() as connection:
            row = await draw(connection, **asked)
        sample_id: UUID | None = row["sample_id"] if row else None
        return sample_id

    async def find_sample(self, sample_id: UUID, request: SampleRequest) -> Sample | None:
        async with self._connection() as connection:
            row = await QUERIES.find_sample(
                connection, sample_id=sample_id, share=request.share, **_asked(request)
            )
        if row is None:
            return None
        return Sample(
            sample_id=row["sample_id"],
            kind=SampleKind(row["kind"]),
            case_id=row["case_id"],
            known=_judgement(row["findings"], row["action"]),
            note=row["note"],
        )

    async def add_second_verdict(self, verdict: SecondVerdict) -> None:
        sample, judgement = verdict.sample, verdict.judgement
        golden = sample.kind is SampleKind.GOLDEN
        async with self._connection() as connection:
            n_added = await QUERIES.add_second_verdict(
                connection,
                review_id=verdict.review_id,
                case_id=sample.case_id,
                decided_claim=None if golden else sample.sample_id,
                golden_id=sample.sample_id if golden else None,
                reviewer=verdict.reviewer,
                judged_at=verdict.judged_at,
                **_columns(judgement),
                note=verdict.note,
                differs=judgement.differs(sample.known),
            )
        if n_added == 0:
            raise Conflict("this person has judged this case already")

    async def find_second_verdict(self, sample_id: UUID, reviewer: str) -> Judgement | None:
        async with self._connection() as connection:
            row = await QUERIES.find_second_verdict(
                connection, sample_id=sample_id, reviewer=reviewer
            )
        return _judgement(row["findings"], row["action"]) if row else None

    async def add_golden(self, golden: GoldenCase) -> None:
        async with self._connection() as connection:
            n_added = await QUERIES.add_golden(
                connection,
                golden_id=golden.golden_id,
                case_id=golden.case_id,
                marked_by=golden.marked_by,
                marked_at=golden.marked_at,
                **_columns(golden.judgement),
                note=golden.note,
            )
        if n_added == 0:
            raise Conflict("this case is a golden one already")

    async def retire_golden(self, golden_id: UUID, queues: Sequence[str], at: datetime) -> None:
        async with self._connection() as connection:
            n_retired = await QUERIES.retire_golden(
                connection, golden_id=golden_id, queues=list(queues), at=at
            )
        if n_retired == 0:
            raise NotFound("golden case", str(golden_id))

    async def golden_cases(self, queues: Sequence[str], limit: int) -> list[GoldenCase]:
        async with self._connection() as connection:
            found = QUERIES.golden_cases(connection, queues=list(queues), limit=limit)
            return [_golden(row) async for row in found]

    async def disagreements(self, queues: Sequence[str], limit: int) -> list[Pair]:
        async with self._connection() as connection:
            found = QUERIES.disagreements(connection, queues=list(queues), limit=limit)
            return [_pair(row) async for row in found]

    async def find_pair(self, review_id: UUID, queues: Sequence[str]) -> Pair | None:
        async with self._connection() as connection:
            row = await QUERIES.find_pair(connection, review_id=review_id, queues=list(queues))
        return _pair(row) if row else None

    async def settle(self, review_id: UUID, settlement: Settlement) -> None:
        async with self._connection() as connection:
            n_settled = await QUERIES.settle(
                connection,
                review_id=review_id,
                outcome=settlement.outcome.value,
                lead=settlement.lead,
                note=settlement.note,
                settled_at=settlement.settled_at,
            )
        if n_settled == 0:
            raise Conflict("there is nothing to settle any more")

    async def pairs(self, since: datetime, queues: Sequence[str]) -> list[Pair]:
        async with self._connection() as connection:
            found = QUERIES.pairs(connection, since=since, queues=list(queues))
            return [_pair(row) async for row in found]

    async def revisions(self, since: datetime, queues: Sequence[str]) -> list[Revision]:
        async with self._connection() as connection:
            found = QUERIES.revisions(connection, since=since, queues=list(queues))
            return [
                Revision(
                    language=Language(row["language"]),
                    decided_at=row["decided_at"],
                    first=_judgement(row["first_findings"], row["first_action"]),
                    second=_judgement(row["findings"], row["action"]),
                    overturned=row["overturned"],
                )
                async for row in found
            ]

    async def handling_times(
        self, since: datetime, queues: Sequence[str], min_people: int
    ) -> list[HandlingTime]:
        async with self._connection() as connection:
            found = QUERIES.handling_times(
                connection, since=since, queues=list(queues), min_people=min_people
            )
            return [
                HandlingTime(
                    queue=row["queue"],
                    language=Language(row["language"]) if row["language"] else None,
                    n=row["n"],
                    seconds=_percentiles(row["seconds"]),
                )
                async for row in found
            ]


def _percentiles(seconds: Sequence[float] | None) -> tuple[float, float, float] | None:
    return None if seconds is None else (seconds[0], seconds[1], seconds[2])


def _asked(request: SampleRequest) -> dict[str, Any]:
    return {
        "reviewer": request.reviewer,
        "queues": list(request.queues),
        "excluded_labels": [label.value for label in request.excluded_labels],
    }


def _drawn(request: SampleRequest) -> dict[str, Any]:
    return {"share": request.share, "since": request.since}


def _judgement(findings: Mapping[str, int], action: str) -> Judgement:
    found = {Label(label): Severity(severity) for label, severity in findings.items()}
    return Judgement(found, Action(action))


def _columns(judgement: Judgement) -> dict[str, str]:
    return {"findings": json_text(judgement.findings), "action": judgement.action.value}


def _golden(row: Row) -> GoldenCase:
    return GoldenCase(
        golden_id=row["golden_id"],
        case_id=row["case_id"],
        queue=row["queue"],
        language=Language(row["language"]),
        marked_by=row["marked_by"],
        marked_at=row["marked_at"],
        judgement=_judgement(row["findings"], row["action"]),
        note=row["note"],
    )


def _pair(row: Row) -> Pair:
    return Pair(
        review_id=row["review_id"],
        case_id=row["case_id"],
        decided_claim=row["decided_claim"],
        queue=row["queue"],
        language=Language(row["language"]),
        first_reviewer=row["first_reviewer"],
        first=_judgement(row["first_findings"], row["first_action"]),
        second_reviewer=row["second_reviewer"],
        second=_judgement(row["findings"], row["action"]),
        second_note=row["note"],
        judged_at=row["judged_at"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
    )
