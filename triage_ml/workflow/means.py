"""The error rate of automated means: what is known per language, label and model version.

The means are the model's labels as the service acts on them (`routing.LIKELY`); the truth is the
newest decision on a case. Nothing is removed by the model alone.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from triage_ml.domain.means import (
    Draws,
    MeansSample,
    Part,
    Rate,
    Rates,
    Received,
    Sums,
    Unknown,
    rates_of,
    rates_received,
)
from triage_ml.domain.policy import Policy
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language
from triage_ml.errors import InvalidInput
from triage_ml.ports.clock import Clock
from triage_ml.ports.means import DrawnGroup, MeansStore, MeansWindow, ReceivedGroup, Said
from triage_ml.workflow.review import RESTRICTED
from triage_ml.workflow.trends import RESTRICTED_LABELS

WINDOWS = (30, 90, 365)
"""Days that a report may reach back."""

KEPT_FOR = timedelta(minutes=5)
"""A report reads every case of its window: who asks again soon gets the same one."""

ANY = ""
"""Any violation, where the name of a label would stand."""


@dataclass(frozen=True, slots=True)
class MeansRow:
    """What is known of one label in one language; None: all languages, or all versions.

    `n_cases` were drawn (or received). Nothing is assumed of `n_open`: draws that nobody decided,
    or cases for which no draw stands yet (`ReceivedGroup.n_uncovered`). In `n_decided` people found
    `n_true`.
    """

    sample: MeansSample
    language: Language | None
    label: str
    model_version: str | None
    rates: Rates
    n_cases: int = 0
    n_open: int = 0
    n_decided: int = 0
    n_true: int = 0


@dataclass(frozen=True, slots=True)
class MeansReport:
    """Rows of a window, by sample, language, label and version, and what they rest on.

    `n_without_scores`: decided or waiting cases that no model scored; they are in no row.
    """

    days: int
    since: datetime
    until: datetime
    policy_version: str
    restricted: bool
    random_share: float
    blind_share: float
    rows: tuple[MeansRow, ...]
    n_without_scores: int

    def row(
        self,
        sample: MeansSample,
        language: Language | None,
        label: str = ANY,
        model_version: str | None = None,
    ) -> MeansRow:
        """Give the row of a cell. Raises: KeyError."""
        for row in self.rows:
            key = (row.sample, row.language, row.label, row.model_version)
            if key == (sample, language, label, model_version):
                return row
        raise KeyError((sample, language, label, model_version))

    @property
    def versions(self) -> tuple[str, ...]:
        return tuple(sorted({row.model_version for row in self.rows if row.model_version}))


@dataclass(slots=True)
class _Cell:
    """Sums of one row while groups are added up."""

    draws: Draws = field(default_factory=Draws)
    received: Received = field(default_factory=Received)
    n_cases: int = 0
    n_open: int = 0
    n_decided: int = 0
    n_true: int = 0
    scored: bool = False


_Key = tuple[MeansSample, Language | None, str, str | None]


class Means:
    """Measures automated means. Who asks is given by what they may see."""

    def __init__(self, store: MeansStore, policy: Policy, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._kept: dict[tuple[int, bool], MeansReport] = {}
        self._making = asyncio.Lock()

    async def report(
        self, scopes: Iterable[str] = (), days: int = 90, *, leaves: bool = False
    ) -> MeansReport:
        """Measure the last days. What `leaves` holds nothing restricted, whoever asks.

        Raises: InvalidInput, StoreUnavailable.
        """
        if days not in WINDOWS:
            raise InvalidInput("window", f"must be one of {', '.join(map(str, WINDOWS))}")
        restricted = RESTRICTED in scopes and not leaves
        async with self._making:  # who asks meanwhile gets the one that is being made
            kept = self._kept.get((days, restricted))
            now = self._clock.now()
            if kept is None or now - kept.until >= KEPT_FOR:
                kept = self._kept[days, restricted] = await self._measure(days, now, restricted)
            return kept

    async def _measure(self, days: int, now: datetime, restricted: bool) -> MeansReport:
        open_queues = tuple(name for name, row in self._policy.queues.items() if not row.restricted)
        # A queue the policy no longer has may have been a restricted one.
        window = MeansWindow(now - timedelta(days=days), now, None if restricted else open_queues)
        drawn = await self._store.chance_draws(window)
        received = await self._store.received_groups(window)
        labels = self._labels(restricted)
        priority = self._policy.priority
        return MeansReport(
            days=days,
            since=window.since,
            until=window.until,
            policy_version=self._policy.version,
            restricted=restricted,
            random_share=priority.random_share,
            blind_share=priority.blind_share,
            rows=await asyncio.to_thread(rows_of, drawn, received, labels),
            n_without_scores=sum(g.n for g in received if not g.said.model_version),
        )

    def _labels(self, restricted: bool) -> tuple[str, ...]:
        hidden = () if restricted else RESTRICTED_LABELS
        return tuple(
            label.value
            for label, row in self._policy.labels.items()
            if row.is_violation and label.value not in hidden
        )


def rows_of(
    drawn: Sequence[DrawnGroup], received: Sequence[ReceivedGroup], labels: Sequence[str]
) -> tuple[MeansRow, ...]:
    """Add groups up to rows: each language × label, and those of each model version that has any.

    Cases that no model scored are left out. Any violation is one of `labels`.
    """
    cells: dict[_Key, _Cell] = {}
    for language in (None, *SUPPORTED_LANGUAGES):
        for label in (ANY, *labels):
            for sample in MeansSample:
                cells[sample, language, label, None] = _Cell()
    for group in drawn:
        for place in _places(group.sample, group.said, group.true, labels):
            _add_draws(cells.setdefault(place.key, _Cell()), group, place)
    for cases in received:
        for place in _places(MeansSample.RECEIVED, cases.said, cases.true, labels):
            _add_received(cells.setdefault(place.key, _Cell()), cases, place)
    order = {label: at for at, label in enumerate((ANY, *labels))}
    rows = [_row(key, cell) for key, cell in cells.items()]
    return tuple(sorted(rows, key=lambda row: _order(row, order)))


class _Place(NamedTuple):
    """A row that a group counts for, and what the group is there."""

    key: _Key
    scored: bool
    found: bool
    true: bool | None


def _places(
    sample: MeansSample, said: Said, true: frozenset[str] | None, labels: Sequence[str]
) -> Iterator[_Place]:
    if not said.model_version:
        return
    known = frozenset(labels)
    for label in (ANY, *labels):
        names = known if label == ANY else frozenset({label})
        scored, found = bool(said.scored & names), bool(said.found & names)
        is_true = None if true is None else bool(true & names)
        for language in (None, said.language):
            for version in (None, said.model_version):
                yield _Place((sample, language, label, version), scored, found, is_true)


def _add_draws(cell: _Cell, group: DrawnGroup, place: _Place) -> None:
    cell.n_cases += group.sums.n
    cell.scored |= place.scored
    if place.true is None:
        cell.n_open += group.sums.n
        return
    cell.n_decided += group.sums.n
    cell.n_true += group.sums.n if place.true else 0
    cell.draws += Draws.of(group.sums, found=place.found, true=place.true)


def _add_received(cell: _Cell, group: ReceivedGroup, place: _Place) -> None:
    cell.n_cases += group.n
    cell.n_open += group.n_uncovered
    cell.scored |= place.scored
    if place.true is not None:
        cell.n_decided += group.n
        cell.n_true += group.n if place.true else 0
    n = group.n - group.n_uncovered
    part = Part(
        n=n,
        n_true=n if place.true else 0,
        n_undecided=n if place.true is None else 0,
        known=group.known,
        known_true=group.known if place.true else 0.0,
        waiting=group.waiting,
        true=group.draws if place.true else Sums(),
        others=group.draws if place.true is False else Sums(),
    )
    cell.received += Received(found=part) if place.found else Received(rest=part)


def _row(key: _Key, cell: _Cell) -> MeansRow:
    sample, language, label, version = key
    of_received = sample is MeansSample.RECEIVED
    rates = rates_received(cell.received) if of_received else rates_of(cell.draws)
    return MeansRow(
        sample,
        language,
        label,
        version,
        rates if cell.scored or not cell.n_cases else _not_scored(rates),
        cell.n_cases,
        cell.n_open,
        cell.n_decided,
        cell.n_true,
    )


def _not_scored(rates: Rates) -> Rates:
    """Keep what people found; a model that does not look for a label is neither right nor wrong."""
    nothing = Rate(None, 0.0, 1.0, 0, 0.0, Unknown.NOT_SCORED)
    return Rates(rates.prevalence, nothing, nothing, nothing, nothing)


def _order(row: MeansRow, labels: dict[str, int]) -> tuple[int, int, int, str]:
    samples, languages = list(MeansSample), list(Language)
    language = -1 if row.language is None else languages.index(row.language)
    return samples.index(row.sample), language, labels[row.label], row.model_version or ""
