"""What a comparison forbids, what only few see of it, and weights to try out."""

from dataclasses import replace
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from tests.unit.builders import shipped_policy
from tests.unit.pairs import made, pair, stand
from triage_ml.domain.comparison import Breach, BreachKind, Comparison, Kind, gate
from triage_ml.domain.delay import HarmTest
from triage_ml.domain.queue_diff import diff_of
from triage_ml.domain.spread import Spread
from triage_ml.domain.taxonomy import Severity
from triage_ml.domain.weights import change_weights
from triage_ml.errors import InvalidInput

GRAVE = pair(7, before=stand(tier=1), after=stand(tier=3), decided=Severity.S3)


def with_tests(*tests: HarmTest):
    comparison = made([pair(1), pair(2)])
    return replace(comparison, delay=replace(comparison.delay, tests=tests))


def test_nothing_speaks_against_the_same_on_both_sides():
    """Not even rounding."""
    assert gate(made([pair(1), pair(2)])) == []
    assert gate(with_tests(HarmTest("en", 9, 5.0, Spread(0.0, 1e-13, 1e-12)))) == []


def test_a_language_that_is_worse_beyond_its_interval_is_named():
    """The worst first; a difference whose interval holds zero is none."""
    found = gate(
        with_tests(
            HarmTest("de", 9, 5.0, Spread(3.0, 1.0, 5.0)),
            HarmTest("en", 9, 5.0, Spread(9.0, -0.1, 19.0)),
            HarmTest("ko", 9, 5.0, Spread(4.0, 2.5, 5.5)),
        )
    )
    assert found == [Breach(BreachKind.DELAY, "ko", 2.5), Breach(BreachKind.DELAY, "de", 1.0)]
    assert str(found[0]) == "ko: harm waits longer, by 2.5 harm-hours at least"


@pytest.mark.parametrize(
    ("changes", "n"),
    [
        ({}, 1),
        ({"decided": Severity.S2}, 0),
        ({"decided": None}, 0),
        ({"after": stand(tier=0)}, 0),
        ({"before": stand(tier=2)}, 0),
    ],
)
def test_a_grave_violation_must_not_leave_the_top(changes, n):
    """S3 and more, out of T0 and T1."""
    found = gate(made([replace(GRAVE, **changes), pair(2)]))
    assert [row for row in found if row.kind is BreachKind.GRAVE_SINKS] == (
        [Breach(BreachKind.GRAVE_SINKS, "", 1, (UUID(int=7),))] * n
    )


def test_what_is_restricted_is_told_without_cases_or_numbers():
    """That it speaks against the later side stays."""
    comparison = made([pair(1), replace(GRAVE, restricted=True)])
    comparison = replace(comparison, breaches=tuple(gate(comparison)))
    shown = comparison.for_everybody()
    assert comparison.restricted.total.n_cases == 1
    assert comparison.n_cases == 2
    assert shown.restricted == diff_of(())
    assert {row.kind for row in shown.delay.rows} == {"all", "language", "tier", "queue"}
    assert [str(row) for row in shown.breaches if row.kind is BreachKind.GRAVE_SINKS] == [
        "in restricted queues: cases of a violation S3 or graver leave T0 or T1"
    ]
    assert all(row.value == 0 for row in shown.breaches if row.restricted)


def test_weights_make_another_policy():
    """Several to a text, and the version names them."""
    policy = shipped_policy()
    changed = change_weights(policy, ["urgency_weight=50 age_weight=2", "random_share=0"])
    row = changed.priority
    assert (row.urgency_weight, row.age_weight, row.random_share) == (50.0, 2.0, 0.0)
    assert changed.version == f"{policy.version}+urgency_weight=50+age_weight=2+random_share=0"
    assert change_weights(policy, []) is policy


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("urgency=50", "weights: urgency is not one of urgency_weight, age_weight"),
        ("urgency_weight", "weights: urgency_weight must be a number, as in urgency_weight=50"),
        ("urgency_weight=much", "weights: urgency_weight must be a number"),
        ("urgency_weight=nan", "weights: urgency_weight must lie within 0 and 1e+06"),
        ("random_share=0.6", "weights: random_share must lie within 0 and 0.5"),
    ],
)
def test_wrong_weights_are_named(given, told):
    """With what would be right."""
    with pytest.raises(InvalidInput) as raised:
        change_weights(shipped_policy(), [given])
    assert str(raised.value).startswith(told)


def test_a_comparison_kept_before_learning_was_recorded_says_that_it_is_not_known():
    """It is read as it was kept, and of neither side is anything claimed."""
    kept = TypeAdapter(Comparison).dump_python(made([pair(1)]), mode="json")
    del kept["came_later"]
    for side in ("before", "after"):
        kept[side] = {name: kept[side][name] for name in ("model", "policy")}
    found = TypeAdapter(Comparison).validate_python(kept)
    assert found.unknown_learners == ("m-1", "m-2")
    assert (found.learned_until, found.came_later) == (None, None)
    assert replace(found, kind=Kind.SIMULATION).unknown_learners == ()
