"""Replay past cases under two models or policies, and keep what came of it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from triage_ml.domain.case import Case
from triage_ml.domain.claim_order import OrderRules
from triage_ml.domain.comparison import Comparison, Kind, gate, last_learned
from triage_ml.domain.delay import Plan, Side, delay_of
from triage_ml.domain.queue_diff import Pair, Part, diff_of, part_of
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.staffing import Staffing, assumed_staffing
from triage_ml.domain.taxonomy import Language
from triage_ml.domain.text import normalise
from triage_ml.errors import Conflict, InvalidInput, ScoringFailed
from triage_ml.ports import ComparisonStore, Scorer
from triage_ml.workflow.measures import MIN_PEOPLE
from triage_ml.workflow.side_by_side import (
    History,
    Placing,
    Scores,
    Tick,
    pairs_of,
    silent,
    spread_of_handling,
)

MAX_CASES = 100_000
MAX_REPEATS = 200
MIN_REPEATS = 5
"""Fewer repetitions give no interval worth the name."""

LONG_AGO = timedelta(days=3650)
BATCH = 64
"""Texts scored at once, so that progress shows."""

MIN_DECISIONS = 20
"""Fewer decisions give no median worth the name; the policy's handling time stands in."""


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks what, and how it is played."""

    kind: Kind
    by: str
    n_repeats: int = 20
    seed: int = 1

    def __post_init__(self) -> None:
        if not MIN_REPEATS <= self.n_repeats <= MAX_REPEATS:
            reason = f"must lie within {MIN_REPEATS} and {MAX_REPEATS}"
            raise InvalidInput("repeat", reason)


async def load_history(
    store: ComparisonStore, now: datetime, last: int, days: float | None = None
) -> History:
    """Read the newest cases. Raises: InvalidInput; Conflict when there are none."""
    if not 1 <= last <= MAX_CASES:
        raise InvalidInput("last", f"must lie within 1 and {MAX_CASES}")
    if days is not None and not 0 < days <= LONG_AGO.days:
        raise InvalidInput("days", f"must be over 0 and at most {LONG_AGO.days}")
    since = now - (LONG_AGO if days is None else timedelta(days=days))
    cases = await store.past_cases(since, last)
    if not cases:
        raise Conflict("there is no case to replay")
    facts = await store.handling_facts(now - LONG_AGO, MIN_DECISIONS, MIN_PEOPLE)
    return History(cases, facts)


async def score_history(
    store: ComparisonStore,
    cases: Sequence[Case],
    version: str,
    load: Callable[[], Scorer] | None,
    *,
    recorded: bool = True,
    tick: Tick = silent,
) -> dict[UUID, LabelScores]:
    """Give what a version says of the newest texts: as recorded, else scored now.

    The model is loaded only if it is needed. A text that cannot be scored is left out. Raises:
    Conflict when texts were not scored by the version before, and there is no model to load.
    """
    ids = [case.case_id for case in cases]
    found = await store.recorded_scores(ids, version) if recorded else {}
    missing = [case for case in cases if case.case_id not in found]
    if not missing:
        return found
    if load is None:
        raise Conflict(
            f"{version} never scored {len(missing)} of the {len(cases)} cases, and its files are "
            "not here"
        )
    scorer = await asyncio.to_thread(load)
    for at in range(0, len(missing), BATCH):
        batch = missing[at : at + BATCH]
        found |= await asyncio.to_thread(_scored, scorer, batch)
        tick(f"scoring with {version}", at + len(batch), len(missing))
    return found


def _scored(scorer: Scorer, cases: Sequence[Case]) -> dict[UUID, LabelScores]:
    """Score a batch; if that fails, one by one, so that a single text fails alone."""
    texts, languages = zip(*((x.item.text, x.language.language) for x in cases), strict=True)
    try:
        scores = scorer.score(texts, languages)
    except ScoringFailed:
        if len(cases) == 1:
            return {}
        return {key: row for case in cases for key, row in _scored(scorer, [case]).items()}
    return {case.case_id: row for case, row in zip(cases, scores, strict=True)}


def stored_scores(cases: Sequence[Case]) -> dict[UUID, LabelScores]:
    """Give the scores that cases stand by now."""
    return {case.case_id: case.scores for case in cases if case.scores is not None}


def models_of(scores: Scores) -> str:
    """Name the model of most of these scores, and how many others there are."""
    counts: dict[str, int] = defaultdict(int)
    for row in scores.values():
        counts[row.model_version] += 1
    if not counts:
        return "no model"
    most = max(sorted(counts), key=lambda name: counts[name])
    return most if len(counts) == 1 else f"{most} and {len(counts) - 1} more"


def compare_sides(
    history: History,
    before: Placing,
    after: Placing,
    question: Question,
    now: datetime,
    tick: Tick = silent,
) -> Comparison:
    """Place every case under both, play both through, and judge. Blocking: seconds to a minute."""
    pairs = list(pairs_of(history, before, after, tick))
    done = 0

    def played(n: int) -> None:
        nonlocal done
        done += n
        tick("simulating", done, question.n_repeats)

    plan = Plan(question.n_repeats, question.seed, spread_of_handling(history.handling))
    assumed = _assumed(pairs)
    sides = _side(before, assumed), _side(after, assumed)
    cases = [case.case_id for case in history.cases]
    open_pairs = [pair for pair in pairs if not pair.restricted]
    found = Comparison(
        comparison_id=uuid4(),
        at=now,
        by=question.by,
        kind=question.kind,
        before=before.subject,
        after=after.subject,
        first_at=history.cases[0].received_at,
        last_at=history.cases[-1].received_at,
        n_unscored=sum(x not in before.scores or x not in after.scores for x in cases),
        diff=diff_of(open_pairs),
        restricted=diff_of([pair for pair in pairs if pair.restricted]),
        delay=delay_of(pairs, *sides, plan, played),
        came_later=_later(history, open_pairs, last_learned(before.subject, after.subject)),
    )
    return replace(found, breaches=tuple(gate(found)))


ENOUGH_CASES = 1_000
"""Cases that a comparison has to hold before a promotion, or nearly all if there are fewer."""

ENOUGH_SHARE = 0.9
"""Cases may have come since, or have been withdrawn or erased."""


async def require_comparison(
    store: ComparisonStore, version: str, champion: str | None
) -> Comparison | None:
    """Give the newest comparison of a version with the champion it is to follow.

    None where there is no champion yet, or nothing changes. Raises: Conflict when the two were
    never compared, on too few cases, or when the comparison says no.
    """
    if champion is None or champion == version:
        return None
    found = await store.find_comparison(champion, version)
    if found is None:
        raise Conflict(
            f"{version} was not compared with the champion: run `triage compare --model "
            f"{champion} --model {version}`, or give a reason with --without-comparison"
        )
    known = await store.n_past_cases(ENOUGH_CASES)
    if found.n_cases < ENOUGH_SHARE * known:
        raise Conflict(
            f"the comparison of {found.at:%Y-%m-%d %H:%M} holds {found.n_cases} cases of {known} "
            "and more: run `triage compare` again with a larger --last, or give a reason with "
            "--without-comparison"
        )
    if found.breaches:
        said = "; ".join(map(str, found.breaches))
        raise Conflict(
            f"the comparison of {found.at:%Y-%m-%d %H:%M} speaks against {version}: {said}; "
            "to promote it all the same, give a reason with --without-comparison"
        )
    return found


def _later(history: History, pairs: Sequence[Pair], learned_until: datetime | None) -> Part | None:
    """Sum up the cases that came after what was learned from and repeat no text from before."""
    if learned_until is None:
        return None
    texts = {case.case_id: normalise(case.item.text).text for case in history.cases}
    before = {texts[x.case_id] for x in history.cases if x.received_at <= learned_until}
    later = [pair for pair in pairs if pair.arrived_at > learned_until]
    return part_of("", [pair for pair in later if texts[pair.case_id] not in before])


def _assumed(pairs: Sequence[Pair]) -> Staffing:
    loads: dict[Language, float] = defaultdict(float)
    for pair in pairs:
        loads[pair.language] += pair.handling_seconds
    arrivals = [pair.arrived_at for pair in pairs]
    return assumed_staffing(loads, max(arrivals) - min(arrivals))


def _side(placing: Placing, assumed: Staffing) -> Side:
    row = placing.policy.priority
    order = OrderRules(
        row.urgency_weight, row.age_weight, 60 * row.default_handling_minutes, row.random_share
    )
    restricted = {name for name, queue in placing.policy.queues.items() if queue.restricted}
    return Side(order, placing.staffing or assumed, frozenset(restricted))
