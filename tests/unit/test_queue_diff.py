"""Placements side by side, in a world small enough to count by hand."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from tests.unit.pairs import pair, stand
from triage_ml.domain.queue_diff import Direction, Flow, diff_of
from triage_ml.domain.taxonomy import Label, Language, Severity


def test_the_same_placements_give_an_empty_diff():
    """Whatever the index does inside a tier."""
    diff = diff_of([pair(1), pair(2, after=stand(base=9.0))])
    assert (diff.moves, diff.tiers, diff.queues) == ((), (), ())
    assert diff.total.n_cases == 2
    assert (diff.total.n_rise, diff.total.n_sink, diff.total.n_aside) == (0, 0, 0)


def test_the_tier_says_the_direction_then_the_clock():
    """A more urgent tier rises even with a later due time."""
    later = timedelta(hours=2)
    assert pair(1, after=stand(tier=2, later=later)).direction is Direction.RISES
    assert pair(1, after=stand(tier=4)).direction is Direction.SINKS
    assert pair(1, after=stand(later=later)).direction is Direction.SINKS
    assert pair(1, after=stand(later=-later)).direction is Direction.RISES
    assert pair(1, after=stand(queue="other")).direction is Direction.ASIDE


def test_moves_are_counted_by_way_language_and_label():
    """The biggest harm first."""
    pairs = [
        pair(1, harm=1.0, after=stand(tier=4)),
        pair(2, harm=5.0, after=stand(tier=2, queue="imminent")),
        pair(3, harm=2.0, after=stand(tier=4), language=Language.DE),
        pair(4, harm=1.0, labels=(Label.HATE,), after=stand(queue="imminent")),
    ]
    diff = diff_of(pairs)
    assert diff.tiers == (Flow("T3", "T2", 1, 5.0), Flow("T3", "T4", 2, 3.0))
    assert diff.queues == (Flow("std", "imminent", 2, 6.0),)
    assert [(part.name, part.n_cases, part.n_sink) for part in diff.languages] == [
        ("de", 1, 1),
        ("en", 3, 1),
    ]
    assert [(part.name, part.n_rise, part.n_aside) for part in diff.labels] == [
        ("harassment", 1, 0),
        ("hate", 0, 1),
    ]
    assert (diff.total.harm_sunk, diff.total.harm_risen) == (3.0, 5.0)


def test_due_times_that_move_are_told_by_their_median():
    """Sooner and later apart."""
    hours = (-3, -1, 4, 6, 8)
    pairs = [pair(n, after=stand(later=timedelta(hours=h))) for n, h in enumerate(hours)]
    diff = diff_of(pairs)
    assert (diff.n_sooner, diff.hours_sooner, diff.n_later, diff.hours_later) == (2, 2.0, 3, 6.0)


def test_violations_that_sink_come_first():
    """The gravest before the others, then the greatest harm."""
    down = stand(tier=4)
    pairs = [
        pair(1, harm=9.0, after=down),
        pair(2, harm=1.0, after=down, decided=Severity.S2),
        pair(3, harm=0.5, after=down, decided=Severity.S3),
        pair(4, harm=8.0, after=down, decided=Severity.S0),
        pair(5, harm=9.5, after=stand(tier=0), decided=Severity.S4),
    ]
    diff = diff_of(pairs)
    assert [move.case_id.int for move in diff.moves] == [3, 2, 5, 1, 4]
    assert diff.total.n_violations_sunk == 2


def test_a_short_list_still_names_every_grave_case_that_leaves_the_top():
    """A limit cuts what is left over, and says how much."""
    grave = [
        pair(n, before=stand(tier=1), after=stand(tier=2), decided=Severity.S3) for n in range(3)
    ]
    diff = diff_of([*grave, *(pair(9 + n, after=stand(tier=4)) for n in range(4))], max_moves=1)
    assert {move.case_id for move in diff.moves} == {UUID(int=n) for n in range(3)}
    assert diff.n_unlisted == 4


def test_a_language_whose_violations_sink_beyond_chance_is_named():
    """One of as many that rise is chance; what is no violation does not count."""

    def moved(language, n_sink, n_rise, first, decided=Severity.S1):
        ways = [stand(tier=4)] * n_sink + [stand(tier=2)] * n_rise
        return [
            pair(first + n, after=way, language=language, decided=decided)
            for n, way in enumerate(ways)
        ]

    even = moved(Language.EN, 12, 10, 0)
    harmless = moved(Language.DE, 30, 0, 100, Severity.S0)
    few = moved(Language.TR, 4, 0, 200)
    diff = diff_of([*even, *harmless, *few, *moved(Language.KO, 22, 3, 300)])
    (named,) = diff.sinking
    assert (named.name, named.n_violations_sunk, named.n_violations_risen) == ("ko", 22, 3)
    assert diff_of([*even, *few]).sinking == ()
    kept_long_ago = replace(named, n_violations_risen=None)
    assert replace(diff, languages=(kept_long_ago,)).sinking == ()
