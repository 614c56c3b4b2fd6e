"""The watch over all series: what a day says, and when that is an alarm.

All tests that a day could see share one budget of false alarms, and thirty days share a month's:
by Bonferroni a quiet system raises one in at most `false_alarms` of all months, however many
languages, labels and windows there are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from triage_ml.domain.drift import ALL, Kind
from triage_ml.domain.drift_effects import matters_to_people
from triage_ml.domain.drift_ledger import Key, Ledger, every_key
from triage_ml.domain.drift_tests import (
    Days,
    Draws,
    Ints,
    Reference,
    began_at,
    calibration_p,
    shares_p,
    strength_of,
)

WINDOWS = (3, 7, 28)
"""Days that are compared with the reference: short ones see what is large, long ones the small."""

DRAWN_WINDOWS = (7, 28)
RECENT = 7
"""Days compared with the `reference_days` just before them, wherever the reference lies."""

SHARE_OF_WINDOW = 0.7
"""Of a window's days so many must have enough texts."""

LOOK_BACK = 56
"""Days among which the beginning of a drift is looked for."""

CALM = 3.0
"""Standard deviations: an alarm ends when a day's strongest test is below."""

MIN_DRAWN = 50
MIN_EFFECTIVE = 30.0
MIN_EXPECTED = 5.0
MIN_REFERENCE_DRAWN = 100

_DAYS_A_MONTH = 30

N_TESTS = sum(len(DRAWN_WINDOWS) if key.is_drawn else len(WINDOWS) + 1 for key in every_key())
"""Of a day on which every series has its reference."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How many days are the reference, and the share of quiet months that may see an alarm."""

    reference_days: int = 28
    false_alarms: float = 0.05

    @property
    def limit(self) -> float:
        """Standard deviations that raise an alarm: the same every day."""
        return strength_of(self.false_alarms / _DAYS_A_MONTH / N_TESTS)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a day (UTC) says of a series.

    `before` and `after` are what a person reads: a share, characters, a mean probability, a
    distance; for the calibration what was expected and what was found. `z` is the strongest test
    in standard deviations, `limit` what an alarm needs, `matters` whether the change is large
    enough to do something about. `have` of `need` are days, or decisions, of the reference; while
    there are too few, `z` is None. `since` is where the change seems to have begun.
    """

    day: date
    measure: str
    language: str
    model_version: str
    have: int
    need: int
    n: int = 0
    before: float = 0.0
    after: float = 0.0
    z: float | None = None
    limit: float = 0.0
    matters: bool = False
    since: date | None = None

    @property
    def key(self) -> Key:
        return Key(self.measure, self.language)

    @property
    def alarms(self) -> bool:
        return self.z is not None and self.matters and self.z > self.limit

    @property
    def is_calm(self) -> bool:
        return self.z is not None and (self.z < CALM or not self.matters)


class Watch:
    """Reads the days of a ledger. `restarts` says from when on the world is as it is meant to be:
    before that day nothing is a reference.
    """

    def __init__(
        self, ledger: Ledger, rule: Rule, restarts: Mapping[Key, date] | None = None
    ) -> None:
        self._ledger = ledger
        self._rule = rule
        self._restarts = restarts or {}
        self._references: dict[tuple[Key, str, int], Reference] = {}

    def read(self, day: date) -> list[Reading]:
        """Give what a day says of every series."""
        ordinal = day.toordinal()
        version, first = self._ledger.live_model(ordinal)
        return [self._read(key, ordinal, version, first) for key in every_key()]

    def _read(self, key: Key, ordinal: int, version: str, first: int) -> Reading:
        version, first = (version, first) if key.is_of_model else ("", self._ledger.first)
        if key in self._restarts:
            first = max(first, self._restarts[key].toordinal())
        nothing = Reading(
            date.fromordinal(ordinal),
            key.measure,
            key.language,
            version,
            have=0,
            need=self._rule.reference_days,
            limit=self._rule.limit,
        )
        if key.is_drawn:
            return self._read_drawn(key, ordinal, first, nothing)
        return self._read_daily(key, ordinal, first, nothing)

    def _read_daily(self, key: Key, ordinal: int, first: int, nothing: Reading) -> Reading:
        days = self._ledger.daily(key, nothing.model_version)
        days = days.where((days.at >= first) & (days.at <= ordinal))
        n_reference = self._rule.reference_days
        if len(days.at) < n_reference:
            return replace(nothing, have=len(days.at))
        fixed = Days(days.at[:n_reference], days.x[:n_reference], days.noise[:n_reference])
        strongest: tuple[float, Reference, Ints, Days] | None = None
        week = np.zeros(days.x.shape[1])
        for reference, at, window in self._pairs(key, days, fixed, ordinal, nothing.model_version):
            p_value, shift = reference.compare(window)
            if at is fixed.at and len(window.at) <= RECENT:
                week = shift
            elif at is fixed.at and week @ shift < shift @ shift / 2:
                continue  # it was so in the weeks before, and is over
            elif at is not fixed.at and strongest and strength_of(strongest[0]) < CALM:
                continue  # back at the reference: what it comes from is no reason for an alarm
            if strongest is None or p_value < strongest[0]:
                strongest = (p_value, reference, at, window)
        if strongest is None:
            return replace(nothing, have=n_reference)
        return self._describe(key, days, replace(nothing, have=n_reference), strongest)

    def _pairs(
        self, key: Key, days: Days, fixed: Days, ordinal: int, version: str
    ) -> Iterator[tuple[Reference, Ints, Days]]:
        """Give every window with the reference it is compared with, and that one's days."""
        end = int(fixed.at[-1])
        reference = self._reference(key, version, fixed)
        for n in WINDOWS:
            window = days.where((days.at > max(end, ordinal - n)) & (days.at <= ordinal))
            if len(window.at) >= SHARE_OF_WINDOW * n:
                yield reference, fixed.at, window
        edge = ordinal - RECENT
        n_before = self._rule.reference_days
        before = days.where((days.at <= edge) & (days.at > edge - n_before))
        window = days.where(days.at > edge)
        enough = len(window.at) >= SHARE_OF_WINDOW * RECENT
        if enough and edge > end and len(before.at) >= SHARE_OF_WINDOW * n_before:
            yield Reference(before), before.at, window

    def _reference(self, key: Key, version: str, fixed: Days) -> Reference:
        name = (key, version, int(fixed.at[0]))
        if name not in self._references:
            self._references[name] = Reference(fixed)
        return self._references[name]

    def _describe(
        self,
        key: Key,
        days: Days,
        nothing: Reading,
        strongest: tuple[float, Reference, Ints, Days],
    ) -> Reading:
        p_value, reference, at, window = strongest
        ledger, version = self._ledger, nothing.model_version
        z = strength_of(p_value)
        since = None
        if z > CALM:
            _, direction = reference.compare(window)
            late = days.where((days.at > at[-1]) & (days.at > window.at[-1] - LOOK_BACK))
            off = reference.beside(late, direction)
            began = began_at(late.at, off, np.ones(len(off)))
            since = date.fromordinal(began)
            window = late.where(late.at >= began)  # a window may begin before the change does
        _, shift = reference.compare(window)
        before = ledger.natural(key, version, at)
        after = ledger.natural(key, version, window.at)
        if key.kind is Kind.CONTENT:
            before, after = 0.0, float(np.sqrt(shift @ shift))
        elif key == Key(Kind.LANGUAGE, ALL):
            before, after = 0.0, float(np.max(np.abs(shift)))
        n, _ = ledger.sums(key, version, window.at)
        return replace(
            nothing,
            n=int(n),
            before=before,
            after=after,
            z=z,
            matters=matters_to_people(key, before, after, shift),
            since=since,
        )

    def _read_drawn(self, key: Key, ordinal: int, first: int, nothing: Reading) -> Reading:
        draws = self._ledger.drawn(key, nothing.model_version)
        draws = draws.where((draws.at >= first) & (draws.at <= ordinal))
        if key.kind is Kind.CALIBRATION:
            need = replace(nothing, need=MIN_DRAWN)
            return self._strongest(draws, None, ordinal, need)
        total = np.cumsum(draws.n)
        # The reference ends with the first day on which it is long and large enough.
        long = draws.at - first + 1 >= self._rule.reference_days
        enough = np.flatnonzero(long & (total >= MIN_REFERENCE_DRAWN))
        need = replace(nothing, need=MIN_REFERENCE_DRAWN)
        if len(enough) == 0:
            have = int(total[-1]) if len(total) else 0
            return replace(need, have=min(have, MIN_REFERENCE_DRAWN - 1))
        end = int(draws.at[int(enough[0])])
        before = draws.where(draws.at <= end)
        return self._strongest(draws.where(draws.at > end), before, ordinal, need)

    def _strongest(
        self, draws: Draws, before: Draws | None, ordinal: int, need: Reading
    ) -> Reading:
        best: tuple[float, Draws] | None = None
        for n in DRAWN_WINDOWS:
            window = draws.where(draws.at > ordinal - n)
            if not _is_enough(window, before):
                continue
            p_value = shares_p(before, window) if before else calibration_p(window)
            if best is None or p_value < best[0]:
                best = (p_value, window)
        if best is None:
            recent = draws.where(draws.at > ordinal - DRAWN_WINDOWS[-1])
            have = int(recent.n.sum()) if before is None else need.need
            return replace(need, have=min(have, need.need))
        window = best[1]
        expected = before.share if before else window.expectation
        z = strength_of(best[0])
        return replace(
            need,
            have=need.need,
            n=int(window.n.sum()),
            before=expected,
            after=window.share,
            z=z,
            matters=matters_to_people(need.key, expected, window.share),
            since=_since(draws, before, ordinal) if z > CALM else None,
        )


def _is_enough(window: Draws, before: Draws | None) -> bool:
    if window.n.sum() < MIN_DRAWN or window.n_effective < MIN_EFFECTIVE:
        return False
    if before is None:
        return True
    weights = float(before.w.sum() + window.w.sum())
    share = float(before.true.sum() + window.true.sum()) / weights
    return min(share, 1 - share) * window.n_effective >= MIN_EXPECTED


def _since(draws: Draws, before: Draws | None, ordinal: int) -> date:
    late = draws.where(draws.at > ordinal - LOOK_BACK)
    expected = before.share * late.w if before else late.expected
    return date.fromordinal(began_at(late.at, late.true - expected, late.w2))
