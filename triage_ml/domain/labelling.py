"""Which open cases to decide next, so that the next model learns most of a day's labels.

Most picks are ranked: what the model is unsure of, where two opinions differ, what came up in a
group that nobody has decided yet. Some are drawn by chance among all the others, so that what the
picks find stays measurable. A ranked pick is certain and a drawn one has the same chance as every
other case that is not ranked: weights of one over `chance` are unbiased for all that was seen.
"""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from triage_ml.domain.document import Table
from triage_ml.domain.scores import LabelScore, LabelScores
from triage_ml.domain.sketch import SIMILAR, Sketch, similarity
from triage_ml.domain.taxonomy import Label, Language, Support

QUEUE = "qa"
"""Where chosen cases go, unless the policy names another queue."""

LABEL_NEXT = "label next: "
"""How the reason begins for which a chosen case stands in its queue."""

MAX_OF_A_GROUP = 2
"""Ranked picks a day of one group of texts that are nearly the same: a third teaches little."""

MIN_OF_A_GROUP = 3
"""Items that make a group of near-duplicates."""

LEAST_BITS = 0.3
"""Uncertainty that is worth a label: 0.3 bits are a probability of 5 or of 95 %."""

UNMEASURED = 2.0
"""Picks of a cell that is not measured, for each pick of one that is."""


class Strategy(StrEnum):
    """Why a case is chosen."""

    RANDOM = "random"
    UNCERTAINTY = "uncertainty"
    DISAGREEMENT = "disagreement"
    CLUSTER = "cluster"


MIX: Mapping[Strategy, float] = {
    Strategy.UNCERTAINTY: 0.8,
    Strategy.DISAGREEMENT: 0.1,
    Strategy.CLUSTER: 0.1,
}
"""Shares of the ranked picks. Why these: docs/decisions/0024-label-next.md."""


@dataclass(frozen=True, slots=True)
class LabellingPolicy:
    """How many cases a day are chosen to learn from; 0 chooses none.

    `random_share` of them are drawn by chance. Of the ranked ones one language gets at most
    `max_share_per_language`, unless no other language waits.
    """

    per_day: int = 0
    random_share: float = 0.2
    max_share_per_language: float = 0.5
    queue: str = QUEUE

    @property
    def max_ranked_per_language(self) -> int:
        return math.ceil(self.per_day * (1 - self.random_share) * self.max_share_per_language)

    def n_open(self, share_of_day: float) -> int:
        """Give how many picks of a day are open: they open evenly, an hour ahead."""
        return min(self.per_day, math.ceil(self.per_day * (share_of_day + 1 / 24)))

    def is_random(self, slot: int) -> bool:
        """Say whether this pick of the day, from 0 on, is drawn by chance: exactly the share is."""
        return math.floor((slot + 1) * self.random_share) > math.floor(slot * self.random_share)


@dataclass(frozen=True, slots=True)
class Group:
    """Items that are nearly the same, or share a term that emerged. `news` is from 0 to 1.

    `n_chosen` of them were chosen before on the same day.
    """

    key: str
    news: float
    n_chosen: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open case that may be chosen.

    `reported` is the chance that each reported reason is right. `challenger` is what a model that
    is not live says of the same text.
    """

    case_id: UUID
    scores: LabelScores
    reported: Mapping[Label, float]
    challenger: LabelScores | None = None
    group: Group | None = None

    @property
    def language(self) -> Language:
        return self.scores.language


@dataclass(frozen=True, slots=True)
class Pick:
    """A chosen case: why, how strongly (0 to 1), for which label, and with what chance."""

    case_id: UUID
    language: Language
    strategy: Strategy
    score: float
    label: Label | None
    chance: float


@dataclass(frozen=True, slots=True)
class _Offer:
    """What a strategy sees in a case."""

    score: float
    label: Label | None
    case: Candidate


def labelling_policy(row: Table | None) -> LabellingPolicy:
    """Read the section of a policy; without one nothing is chosen. Raises: PolicyInvalid."""
    if row is None:
        return LabellingPolicy()
    row.only(LabellingPolicy.__annotations__)
    return LabellingPolicy(
        per_day=row.whole("per_day", 0, 100_000),
        random_share=row.number("random_share", 0.05, 1),
        max_share_per_language=row.number("max_share_per_language", 0.05, 1),
        queue=row.get("queue", str) if "queue" in row.document else QUEUE,
    )


def choose(
    cases: Sequence[Candidate],
    n_ranked: int,
    n_random: int,
    labels: Collection[Label],
    chance: random.Random,
    *,
    before: Sequence[Pick] = (),
    max_per_language: int | None = None,
    seen: float = 1.0,
    mix: Mapping[Strategy, float] = MIX,
) -> list[Pick]:
    """Choose among cases, none twice: the ranked first, then some of the rest by chance.

    `before` are the picks of the day so far, with which languages, labels and strategies are
    balanced. `seen` is the share of all cases that `cases` is a random part of. Where fewer are
    worth ranking than asked for, chance takes their places.
    """
    ranked = list(_ranked(cases, n_ranked, labels, before, max_per_language, mix))
    taken = {offer.case.case_id for _, offer in ranked}
    rest = [case for case in cases if case.case_id not in taken]
    n_random = min(n_random + n_ranked - len(ranked), len(rest))
    picks = [_pick(strategy, offer, seen) for strategy, offer in ranked]
    for case in chance.sample(rest, n_random):
        share = seen * n_random / len(rest)
        picks.append(_pick(Strategy.RANDOM, _Offer(0.0, None, case), share))
    return picks


def _pick(strategy: Strategy, offer: _Offer, chance: float) -> Pick:
    case = offer.case
    return Pick(case.case_id, case.language, strategy, offer.score, offer.label, chance)


def _ranked(
    cases: Sequence[Candidate],
    n: int,
    labels: Collection[Label],
    before: Sequence[Pick],
    max_per_language: int | None,
    mix: Mapping[Strategy, float],
) -> Iterator[tuple[Strategy, _Offer]]:
    shelves = _Shelves(cases, labels, mix)
    needs = language_needs(cases, labels)
    ranked = [row for row in before if row.strategy is not Strategy.RANDOM]
    strategies = Counter(row.strategy for row in ranked)
    languages = Counter(row.language for row in ranked)
    cells = Counter((row.language, row.label) for row in ranked)
    limit = max_per_language if len(needs) > 1 else None
    for _ in range(n):
        full = {x for x in needs if limit is not None and languages[x] >= limit}
        open_cells = [key for key in shelves.open() if key[1] not in full]
        if not open_cells:
            return
        # Who is furthest behind its share comes next: the strategy, its language, its label.
        strategy = min(
            {key[0] for key in open_cells},
            key=lambda x: ((strategies[x] + 1) / mix[x], -mix[x], x),
        )
        own = [key for key in open_cells if key[0] is strategy]
        language = min({key[1] for key in own}, key=lambda x: ((languages[x] + 1) / needs[x], x))
        label = min(
            (key[2] for key in own if key[1] is language),
            key=lambda x: ((cells[language, x] + 1) / shelves.weight(language, x), x or ""),
        )
        offer = shelves.take((strategy, language, label))
        strategies[strategy] += 1
        languages[language] += 1
        cells[language, label] += 1
        yield strategy, offer


_Cell = tuple[Strategy, Language, Label | None]


class _Shelves:
    """What each strategy offers for each cell, best last; what is taken is gone from all."""

    def __init__(
        self,
        cases: Sequence[Candidate],
        labels: Collection[Label],
        mix: Mapping[Strategy, float],
    ) -> None:
        self._offers: dict[_Cell, list[_Offer]] = defaultdict(list)
        self._unmeasured: set[tuple[Language, Label | None]] = set()
        self._taken: set[UUID] = set()
        self._groups: Counter[str] = Counter()
        for case in cases:
            if case.group is not None:
                self._groups[case.group.key] = case.group.n_chosen
            for strategy in mix:
                for offer in OFFERS[strategy](case, labels):
                    self._offers[strategy, case.language, offer.label].append(offer)
            for label in labels:
                if case.scores.support(label) is not Support.MEASURED:
                    self._unmeasured.add((case.language, label))
        for shelf in self._offers.values():
            shelf.sort(key=lambda offer: (offer.score, offer.case.case_id))

    def open(self) -> list[_Cell]:
        """Name the cells that still offer something."""
        for shelf in self._offers.values():
            while shelf and self._gone(shelf[-1].case):
                shelf.pop()
        return [key for key, shelf in self._offers.items() if shelf]

    def weight(self, language: Language, label: Label | None) -> float:
        return UNMEASURED if (language, label) in self._unmeasured else 1.0

    def take(self, key: _Cell) -> _Offer:
        offer = self._offers[key].pop()
        self._taken.add(offer.case.case_id)
        if offer.case.group is not None:
            self._groups[offer.case.group.key] += 1
        return offer

    def _gone(self, case: Candidate) -> bool:
        full = case.group is not None and self._groups[case.group.key] >= MAX_OF_A_GROUP
        return full or case.case_id in self._taken


def language_needs(cases: Iterable[Candidate], labels: Collection[Label]) -> dict[Language, float]:
    """Weigh the languages: one with every cell measured counts half of one with none."""
    found: dict[Language, LabelScores] = {case.language: case.scores for case in cases}
    return {
        language: 1 + sum(scores.support(x) is not Support.MEASURED for x in labels) / len(labels)
        for language, scores in sorted(found.items())
    }


def entropy(p: float) -> float:
    """Give the uncertainty of a yes or no in bits: 1 at one half."""
    if not 0 < p < 1:
        return 0.0
    return -(p * math.log2(p) + (1 - p) * math.log2(1 - p))


def _uncertainty(case: Candidate, labels: Collection[Label]) -> Iterator[_Offer]:
    """Offer a case for every label that the model cannot tell."""
    for label, score in _known(case.scores, labels):
        bits = entropy(score.probability)
        if bits >= LEAST_BITS:
            yield _Offer(bits, label, case)


def _disagreement(case: Candidate, labels: Collection[Label]) -> Iterator[_Offer]:
    """Offer a case for the label on which two opinions differ most: two models, the model and a
    report, or its word on the label and on any violation.
    """
    scores = dict(_known(case.scores, labels))
    gaps: dict[Label | None, float] = {}
    if case.challenger is not None:
        for label, other in _known(case.challenger, labels):
            if label in scores:
                gaps[label] = abs(scores[label].probability - other.probability)
    for label, right in case.reported.items():
        if label in scores and scores[label].support is Support.MEASURED:
            missed = right * (1 - scores[label].probability)
            gaps[label] = max(missed, gaps.get(label, 0.0))
    likeliest = max((score.probability for score in scores.values()), default=0.0)
    gaps[None] = abs(case.scores.p_violation - likeliest)
    widest = max(gaps, key=lambda name: (gaps[name], name or ""))
    if gaps[widest] > 0:
        yield _Offer(gaps[widest], widest, case)


def _cluster(case: Candidate, labels: Collection[Label]) -> Iterator[_Offer]:  # noqa: ARG001
    """Offer a case of a group that is new."""
    if case.group is not None and case.group.news > 0:
        yield _Offer(case.group.news, None, case)


def _known(scores: LabelScores, labels: Collection[Label]) -> Iterator[tuple[Label, LabelScore]]:
    return ((label, score) for label, score in scores.labels.items() if label in labels)


OFFERS = {
    Strategy.UNCERTAINTY: _uncertainty,
    Strategy.DISAGREEMENT: _disagreement,
    Strategy.CLUSTER: _cluster,
}


def group_alike(rows: Sequence[tuple[UUID, Sketch]]) -> list[list[UUID]]:
    """Group the cases whose texts are nearly the same, largest group first.

    Each text is compared with the first of a group only: a chain of likenesses makes no group.
    """
    heads: dict[int, list[int]] = defaultdict(list)  # by band: numbers of groups
    groups: list[tuple[bytes, list[UUID]]] = []
    for case_id, sketch in rows:
        near = {number for band in sketch.bands for number in heads.get(band, ())}
        like = [x for x in sorted(near) if similarity(groups[x][0], sketch.signature) >= SIMILAR]
        if like:
            groups[like[0]][1].append(case_id)
            continue
        for band in sketch.bands:
            heads[band].append(len(groups))
        groups.append((sketch.signature, [case_id]))
    found = [members for _, members in groups if len(members) >= MIN_OF_A_GROUP]
    return sorted(found, key=len, reverse=True)


def news_of(n_items: int, n_decided: int) -> float:
    """Say how new a group is: large and never decided is near 1, each decision makes it older."""
    return (1 - 1 / max(n_items, 1)) / (1 + n_decided)
