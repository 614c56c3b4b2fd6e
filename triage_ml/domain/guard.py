"""The guard of a trial: what it counts, what it allows, and when that is broken.

It holds the watched model against the other one on the same texts. Each check is a bet against
its limit (`domain.sequential`), so that looking every few seconds raises no more false alarms
than looking once. The chance that a trial whose model keeps within every limit is ended all the
same is at most `false_rollbacks`, shared evenly among all checks.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import exp, log, sqrt

from triage_ml.domain.document import Document, Table
from triage_ml.domain.sequential import evidence, share_bounds, share_evidence
from triage_ml.domain.taxonomy import HEADS, Language

Key = tuple[str, str, str]
"""Measure, language ("" where it does not matter), outcome."""

Tally = Mapping[Key, int]

ALL = ""
"""Instead of a language: all of them together."""

TRIED, CANARY, SHADOWED, REFUSED = "tried", "canary", "shadowed", "refused"
URGENT, MISSED, FALSE_ALARMS = "urgent", "missed", "false alarms"
WATCHED_PACE, OTHER_PACE = "watched pace", "other pace"
CANARY_ARM, LIVE_ARM = "canary arm", "live arm"
LABEL = "label:"
UP, SAME, DOWN = "up", "same", "down"
OK, FAILED, DROPPED = "ok", "failed", "dropped"
ANSWERED, BUSY, LATE = "answered", "busy", "late"

PACE_FLOOR, PACE_STEP, N_PACES = 0.0005, 1.25, 60  # seconds; each bucket a quarter wider


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """What a trial may cost; the reasons stand in `policy/default/guard.toml`."""

    failures: float = 0.02
    fallbacks: float = 0.05
    slower: float = 4.0
    slower_floor_ms: float = 50.0
    urgent_more: float = 0.05
    urgent_less: float = 0.02
    alarms_more: float = 0.10
    alarms_less: float = 0.05
    missed: float = 0.05
    false_alarms: float = 0.10
    alarm_at: float = 0.5
    min_texts: int = 50
    min_decisions: int = 20
    false_rollbacks: float = 0.01
    probation_hours: float = 24.0


FILE = "guard.toml"
_WHOLE = {"min_texts": (1, 1_000_000), "min_decisions": (1, 1_000_000)}
_BOUNDS = {
    "slower": (1.0, 1000.0),
    "slower_floor_ms": (0.0, 60_000.0),
    "probation_hours": (0.0, 720.0),
    "failures": (0.001, 0.9),
    "fallbacks": (0.001, 0.9),
    "false_rollbacks": (1e-6, 0.5),
}


def guard_limits(document: Document) -> GuardLimits:
    """Read a guard.toml; what it leaves out keeps its default. Raises: PolicyInvalid."""
    table = Table(FILE, document)
    table.only(GuardLimits.__annotations__)
    given: dict[str, float | int] = {}
    for name in document:
        if name in _WHOLE:
            given[name] = table.whole(name, *_WHOLE[name])
        else:
            given[name] = table.number(name, *_BOUNDS.get(name, (0.0, 0.9)))
    return GuardLimits(**given)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Decided:
    """Decided cases of a language that both models scored, by what they said before."""

    language: Language
    upheld: bool
    watched: bool  # found by the watched model
    other: bool
    n: int


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison as it stands. `value` and `limit` are shares, of pace a ratio.

    `weight` is how much of the evidence that breaks the limit has come together, 0 to 1.
    """

    name: str
    language: str
    value: float
    limit: float
    n: int
    weight: float
    words: str

    @property
    def broken(self) -> bool:
        return self.weight >= 1


@dataclass(frozen=True, slots=True)
class _Judge:
    limits: GuardLimits

    @property
    def needed(self) -> float:
        """Evidence of one check that a trial within its limits rarely ever gathers."""
        languages = len(Language) + 1  # each, and all together
        of_texts = languages * (2 + 2 * len(HEADS))
        of_decisions = languages * 2
        of_arms, of_running = 2, 3
        n_checks = of_texts + of_decisions + of_arms + of_running
        return log(n_checks / self.limits.false_rollbacks)

    def weight(self, found: float, n: int, least: int) -> float:
        return max(0.0, found / self.needed) if n >= least else 0.0


def judge(tally: Tally, decided: Iterable[Decided], limits: GuardLimits) -> list[Check]:
    """Hold what was counted against the limits, gravest first."""
    of = _Judge(limits)
    checks = [
        *_running(tally, of),
        *_pace(tally, of),
        *_arms(tally, of),
        *_pairs(tally, of),
        *_decisions(decided, of),
    ]
    return sorted(checks, key=lambda check: (-check.weight, check.name, check.language))


def _running(tally: Tally, of: _Judge) -> Iterator[Check]:
    failed, ok = tally.get((TRIED, "", FAILED), 0), tally.get((TRIED, "", OK), 0)
    yield _share("failures", failed, failed + ok, of.limits.failures, of, "texts failed")
    fell = sum(tally.get((CANARY, "", how), 0) for how in (FAILED, BUSY, LATE))
    n = fell + tally.get((CANARY, "", ANSWERED), 0)
    if n:
        words = "texts of its own had to be answered by the live model"
        yield _share("fallbacks", fell, n, of.limits.fallbacks, of, words)


def _share(name: str, hits: int, n: int, limit: float, of: _Judge, words: str) -> Check:
    weight = of.weight(share_evidence(hits, n, limit), n, of.limits.min_texts)
    value = hits / n if n else 0.0
    said = f"{hits} of {n} {words} ({value:.1%}; at most {limit:.1%} are allowed)"
    return Check(name, ALL, value, limit, n, weight, said)


def pace_bucket(seconds: float) -> str:
    """Name the bucket of a duration."""
    step = log(max(seconds, PACE_FLOOR) / PACE_FLOOR) / log(PACE_STEP)
    return str(min(int(step), N_PACES))


def _pace(tally: Tally, of: _Judge) -> Iterator[Check]:
    """Compare medians, found within a bucket: a quarter."""
    watched, other = _paces(tally, WATCHED_PACE), _paces(tally, OTHER_PACE)
    n = watched.total()
    if not n or not other:
        return
    limits = of.limits
    usual, now = _median(other), _median(watched)
    allowed = max(limits.slower * usual, limits.slower_floor_ms / 1000)
    slow = sum(k for bucket, k in watched.items() if _edge(bucket) >= allowed)
    enough = min(n, other.total())
    weight = of.weight(share_evidence(slow, n, 0.5), enough, limits.min_texts)
    said = (
        f"the median text takes {now * 1000:.0f} ms instead of {usual * 1000:.0f} ms "
        f"(at most {allowed * 1000:.0f} ms are allowed; {n} texts)"
    )
    yield Check("slower", ALL, now / usual, allowed / usual, n, weight, said)


def _paces(tally: Tally, measure: str) -> Counter[int]:
    return Counter({int(how): n for (name, _, how), n in tally.items() if name == measure})


def _median(paces: Counter[int]) -> float:
    """Give the middle of the bucket that holds the median, in seconds."""
    left = paces.total() / 2
    for bucket in sorted(paces):
        left -= paces[bucket]
        if left <= 0:
            return _edge(bucket) * sqrt(PACE_STEP)
    return 0.0


def _edge(bucket: int) -> float:
    return PACE_FLOOR * exp(bucket * log(PACE_STEP))


def _arms(tally: Tally, of: _Judge) -> Iterator[Check]:
    """Compare what was placed by the one with what was placed by the other: other texts each."""
    (n_own, own), (n_live, live) = (_urgent(tally, arm) for arm in (CANARY_ARM, LIVE_ARM))
    if not n_own or not n_live:
        return
    chance = exp(-of.needed) / 2  # for each of two bounds
    low, high = share_bounds(own, n_own, chance)
    live_low, live_high = share_bounds(live, n_live, chance)
    value = own / n_own - live / n_live
    for name, gap, limit, sign in (
        ("more urgent cases", low - live_high, of.limits.urgent_more, 1),
        ("fewer urgent cases", live_low - high, of.limits.urgent_less, -1),
    ):
        n = min(n_own, n_live)
        surely = gap > limit and n >= of.limits.min_texts
        said = (
            f"{own} of its {n_own} cases are T0 or T1 against {live} of the live model's {n_live} "
            f"({value:+.1%}; {sign * limit:+.1%} is allowed)"
        )
        yield Check(name, ALL, value * sign, limit, n_own, 1.0 if surely else 0.0, said)


def _urgent(tally: Tally, arm: str) -> tuple[int, int]:
    rows = {how: n for (name, _, how), n in tally.items() if name == arm}
    return sum(rows.values()), rows.get(UP, 0)


def _pairs(tally: Tally, of: _Judge) -> Iterator[Check]:
    """Compare what both models say of the same texts, by language and together."""
    limits = of.limits
    for (measure, language), row in sorted(_by_language(tally).items()):
        if measure == URGENT:
            what, more, less = "T0 or T1", limits.urgent_more, limits.urgent_less
        else:
            what = measure.removeprefix(LABEL)
            more, less = limits.alarms_more, limits.alarms_less
        yield _difference(f"more {what}", language, row[UP], row, more, of, limits.min_texts)
        yield _difference(f"less {what}", language, row[DOWN], row, less, of, limits.min_texts)


def _by_language(tally: Tally) -> dict[tuple[str, str], Counter[str]]:
    rows: dict[tuple[str, str], Counter[str]] = {}
    for (measure, language, outcome), n in tally.items():
        if measure == URGENT or measure.startswith(LABEL):
            for place in {language, ALL}:
                rows.setdefault((measure, place), Counter())[outcome] += n
    return rows


def _difference(
    name: str, language: str, ups: int, row: Counter[str], limit: float, of: _Judge, least: int
) -> Check:
    """Check one direction of a paired comparison; `ups` are those that speak for it."""
    n = row.total()
    downs = n - ups - row[SAME]
    weight = of.weight(evidence(ups, row[SAME], downs, limit), n, least)
    value = (ups - downs) / n if n else 0.0
    said = (
        f"{name}{f' in {language}' if language else ''}: {ups} of {n} by the watched model alone "
        f"and {downs} the other way ({value:+.1%}; {limit:+.1%} is allowed)"
    )
    return Check(name, language, value, limit, n, weight, said)


def _decisions(decided: Iterable[Decided], of: _Judge) -> Iterator[Check]:
    """Compare on decided cases: violations that were missed, and alarms that were false."""
    rows: dict[tuple[str, str], Counter[str]] = {}
    for case in decided:
        measure, bad = (MISSED, False) if case.upheld else (FALSE_ALARMS, True)
        wrong, other_wrong = case.watched is bad, case.other is bad
        outcome = SAME if wrong == other_wrong else UP if wrong else DOWN
        for place in (case.language.value, ALL):
            rows.setdefault((measure, place), Counter())[outcome] += case.n
    limits, least = of.limits, of.limits.min_decisions
    for (measure, language), row in sorted(rows.items()):
        limit = limits.missed if measure == MISSED else limits.false_alarms
        yield _difference(measure, language, row[UP], row, limit, of, least)


@dataclass(frozen=True, slots=True)
class Quality:
    """How often a model was right on decided cases; None where there is nothing to divide by."""

    precision: float | None
    recall: float | None
    n_decided: int


def qualities(decided: Iterable[Decided]) -> tuple[Quality, Quality]:
    """Give the quality of the watched model and of the other one, on the same decided cases."""
    rows = list(decided)
    return _quality(rows, "watched"), _quality(rows, "other")


def _quality(rows: list[Decided], which: str) -> Quality:
    found = sum(row.n for row in rows if getattr(row, which))
    right = sum(row.n for row in rows if getattr(row, which) and row.upheld)
    upheld = sum(row.n for row in rows if row.upheld)
    return Quality(
        right / found if found else None,
        right / upheld if upheld else None,
        sum(row.n for row in rows),
    )
