"""What leads measure: agreement, overturned decisions, handling times. Never a person."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from triage_ml.domain.agreement import Agreement, measure
from triage_ml.domain.policy import Policy
from triage_ml.domain.quality import Outcome, contested
from triage_ml.domain.stats import wilson
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.ports import Clock, LeadStore, Who
from triage_ml.ports.leads import HandlingTime, Pair, Revision
from triage_ml.workflow.leads import open_queues

SHORT, LONG = timedelta(days=30), timedelta(days=90)
MIN_PEOPLE = 5
"""Times of fewer people than this would be those of a person (POLICY: groups of five or more)."""

KEPT = timedelta(minutes=5)
"""How long measures are kept: they read every decision of a month."""


@dataclass(frozen=True, slots=True)
class AgreementTable:
    """Agreement per language, and in each per label and on the highest severity.

    Languages in the taxonomy's order, then None for all of them together.
    """

    languages: Sequence[Language | None]
    by_label: Mapping[tuple[Label, Language | None], Agreement]
    by_severity: Mapping[Language | None, Agreement]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of `n` decisions on complaints overturned the first, with a 95 % interval."""

    n: int
    n_overturned: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OverturnRow:
    """A label, or None for cases in which no verdict found one; None, None is all together."""

    label: Label | None
    language: Language | None
    short: Share
    long: Share


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything a lead is shown, and of when it is."""

    at: datetime
    agreement: AgreementTable
    unclear: Mapping[Label, int]
    overturned: Share
    overturned_short: Share
    overturns: Sequence[OverturnRow]
    handling: Sequence[HandlingTime]


class Measures:
    """Measures of the queues that who asks may see, kept for a few minutes."""

    def __init__(self, store: LeadStore, policy: Policy, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._kept: dict[tuple[str, ...], Measured] = {}
        self._measuring = asyncio.Lock()

    async def measured(self, who: Who) -> Measured:
        """Give the measures, made anew where those kept are too old."""
        queues = tuple(open_queues(self._policy, who))
        async with self._measuring:
            kept = self._kept.get(queues)
            if kept is None or self._clock.now() - kept.at >= KEPT:
                kept = self._kept[queues] = await self._measure(queues)
        return kept

    async def _measure(self, queues: Sequence[str]) -> Measured:
        now = self._clock.now()
        pairs = await self._store.pairs(now - LONG, queues)
        revisions = await self._store.revisions(now - LONG, queues)
        handling = await self._store.handling_times(now - SHORT, queues, MIN_PEOPLE)
        return Measured(
            at=now,
            agreement=await asyncio.to_thread(agreement_table, pairs),
            unclear=unclear_labels(pairs),
            overturned=_share(revisions),
            overturned_short=_share(_since(revisions, now - SHORT)),
            overturns=overturn_rows(revisions, now - SHORT),
            handling=handling,
        )


def agreement_table(pairs: Sequence[Pair]) -> AgreementTable:
    """Measure agreement per label and language, and on the highest severity.

    A unit is a decision with all its second verdicts; a value is whether the label was applied.
    """
    units: dict[Language | None, list[list[Pair]]] = {}
    for unit in _units(pairs):
        units.setdefault(unit[0].language, []).append(unit)
    languages: list[Language | None] = [row for row in Language if row in units]
    units[None] = [unit for language in languages for unit in units[language]]
    languages.append(None)
    return AgreementTable(
        languages=languages,
        by_label={
            (label, language): measure([_applied(unit, label) for unit in units[language]])
            for label in Label
            for language in languages
        },
        by_severity={
            language: measure([_severities(unit) for unit in units[language]], ordinal=True)
            for language in languages
        },
    )


def unclear_labels(pairs: Sequence[Pair]) -> dict[Label, int]:
    """Count the labels over which two verdicts differed because the policy is unclear."""
    counts: Counter[Label] = Counter()
    for pair in pairs:
        if pair.outcome is Outcome.POLICY_UNCLEAR:
            counts.update(contested(pair.first, pair.second))
    return {label: counts[label] for label in Label if counts[label]}


def overturn_rows(revisions: Sequence[Revision], short_since: datetime) -> list[OverturnRow]:
    """Count overturned decisions by label and language.

    A case counts for every label that one of its two decisions applied.
    """
    cells: dict[tuple[Label | None, Language], list[Revision]] = {}
    for row in revisions:
        for label in row.first.applied | row.second.applied or {None}:
            cells.setdefault((label, row.language), []).append(row)
    keys = [(label, language) for label in (*Label, None) for language in Language]
    return [
        OverturnRow(*key, short=_share(_since(cells[key], short_since)), long=_share(cells[key]))
        for key in keys
        if key in cells
    ]


def _units(pairs: Sequence[Pair]) -> list[list[Pair]]:
    found: dict[object, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(pair.decided_claim, []).append(pair)
    return list(found.values())


def _applied(unit: Sequence[Pair], label: Label) -> list[int]:
    first = unit[0].first
    return [int(label in row.applied) for row in (first, *(pair.second for pair in unit))]


def _severities(unit: Sequence[Pair]) -> list[int]:
    return [int(row.severity) for row in (unit[0].first, *(pair.second for pair in unit))]


def _since(revisions: Sequence[Revision], since: datetime) -> list[Revision]:
    return [row for row in revisions if row.decided_at >= since]


def _share(revisions: Sequence[Revision]) -> Share:
    n, n_overturned = len(revisions), sum(row.overturned for row in revisions)
    return Share(n, n_overturned, *wilson(n_overturned, n))
