"""Past cases to replay, and what comparing them found."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from triage_ml.domain.case import Case
from triage_ml.domain.comparison import Comparison
from triage_ml.domain.queue_diff import Pair
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import NotFound
from triage_ml.ports.simulate import HandlingFact
from triage_ml.storage import rows
from triage_ml.storage.pool import QUERIES, Transactions

PAGE = 1_000
"""Cases read at once: each page is a short statement."""

_END = datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1)
_COMPARISON = TypeAdapter(Comparison)
_MOVES = TypeAdapter(tuple[Pair, ...])
_PARTS = ("diff", "restricted")


class StoredComparisons(Transactions):
    """See `triage_ml.ports.ComparisonStore`."""

    async def past_cases(self, since: datetime, limit: int) -> list[Case]:
        found: list[Case] = []
        before_at, before_id = _END
        while len(found) < limit:
            wanted = min(PAGE, limit - len(found))
            given = {"since": since, "before_at": before_at, "before_id": before_id}
            async with self._connection() as connection:
                page = QUERIES.past_cases(connection, **given, limit=wanted)
                cases = [rows.case_of(row) async for row in page]
            found += cases
            if len(cases) < wanted:
                break
            before_at, before_id = cases[-1].received_at, cases[-1].case_id
        return found[::-1]

    async def n_past_cases(self, limit: int) -> int:
        async with self._connection() as connection:
            row = await QUERIES.n_past_cases(connection, limit=limit)
        return int(row["n"])

    async def recorded_scores(
        self, case_ids: Sequence[UUID], model_version: str
    ) -> dict[UUID, LabelScores]:
        scores: dict[UUID, LabelScores] = {}
        for at in range(0, len(case_ids), PAGE):
            wanted = list(case_ids[at : at + PAGE])
            async with self._connection() as connection:
                found = QUERIES.recorded_scores(
                    connection, case_ids=wanted, model_version=model_version
                )
                scores |= {row["case_id"]: _scores_of(row) async for row in found}
        return scores

    async def handling_facts(
        self, since: datetime, min_n: int, min_people: int
    ) -> list[HandlingFact]:
        async with self._connection() as connection:
            found = QUERIES.handling_facts(
                connection, since=since, min_n=min_n, min_people=min_people
            )
            return [_handling_of(row) async for row in found]

    async def add_comparison(self, comparison: Comparison) -> None:
        whole = _COMPARISON.dump_python(comparison, mode="json")
        moves = {part: whole[part]["moves"] for part in _PARTS}
        summary = {**whole, **{part: {**whole[part], "moves": []} for part in _PARTS}}
        async with self._connection() as connection:
            await QUERIES.add_comparison(
                connection,
                comparison_id=comparison.comparison_id,
                made_at=comparison.at,
                made_by=comparison.by,
                kind=comparison.kind.value,
                before_model=comparison.before.model,
                before_policy=comparison.before.policy,
                after_model=comparison.after.model,
                after_policy=comparison.after.policy,
                n_cases=comparison.n_cases,
                summary=rows.json_text(summary),
                moves=rows.json_text(moves),
            )

    async def comparisons(self, limit: int = 20) -> list[Comparison]:
        async with self._connection() as connection:
            found = QUERIES.comparisons(connection, limit=limit)
            return [_COMPARISON.validate_python(row["summary"]) async for row in found]

    async def get_comparison(self, comparison_id: UUID) -> Comparison:
        async with self._connection() as connection:
            row = await QUERIES.get_comparison(connection, comparison_id=comparison_id)
        if row is None:
            raise NotFound("comparison", str(comparison_id))
        found, moves = _COMPARISON.validate_python(row["summary"]), row["moves"]
        return replace(
            found,
            diff=replace(found.diff, moves=_MOVES.validate_python(moves["diff"])),
            restricted=replace(found.restricted, moves=_MOVES.validate_python(moves["restricted"])),
        )

    async def find_comparison(self, before: str, after: str) -> Comparison | None:
        async with self._connection() as connection:
            row = await QUERIES.find_comparison(connection, before=before, after=after)
        return _COMPARISON.validate_python(row["summary"]) if row else None


def _scores_of(row: Mapping[str, Any]) -> LabelScores:
    return LabelScores(
        labels=rows.recorded_labels(row["labels"]),
        p_violation=row["p_violation"],
        language=Language(row["language"]),
        model_version=row["model_version"],
    )


def _handling_of(row: Mapping[str, Any]) -> HandlingFact:
    first, median, third = row["seconds"]
    language = Language(row["language"]) if row["language"] else None
    return HandlingFact(language, row["label"], row["n"], (first, median, third))
