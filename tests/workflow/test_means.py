"""Reports on automated means: rows, what is left out, and how long one is kept."""

from dataclasses import replace
from datetime import timedelta

import pytest

from triage_ml.domain.means import MeansSample, Sums, Unknown
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import InvalidInput
from triage_ml.ports.means import DrawnGroup, ReceivedGroup, Said
from triage_ml.workflow.means import ANY, KEPT_FOR, Means, MeansRow, rows_of

pytestmark = pytest.mark.anyio
LABELS = ("hate", "harassment")
BOTH = frozenset(LABELS)
SAID = Said(Language.EN, "m-1", frozenset({"hate"}), frozenset({"hate"}))


def row(rows, label=ANY, language=Language.EN, version=None, sample=MeansSample.WAITING):
    [found] = [
        r
        for r in rows
        if (r.sample, r.language, r.label, r.model_version) == (sample, language, label, version)
    ]
    assert isinstance(found, MeansRow)
    return found


def drawn(true, n=3, said=SAID):
    truth = None if true is None else frozenset(true)
    return DrawnGroup(MeansSample.WAITING, said, truth, Sums(n, 2.0 * n, 4.0 * n))


def test_a_label_the_model_does_not_look_for_is_not_judged():
    """Its prevalence is what people found; the model is neither right nor wrong about it."""
    rows = rows_of([drawn(["harassment"])], [], LABELS)
    harassment = row(rows, "harassment").rates
    assert harassment.prevalence.value == 1.0
    assert harassment.recall.unknown is Unknown.NOT_SCORED
    assert row(rows, "hate").rates.precision.value == 0.0
    assert row(rows).rates.precision.value == 1.0  # found one violation, and there was one


def test_draws_nobody_decided_are_told_and_weigh_nothing():
    found = row(rows_of([drawn(["hate"]), drawn(None, 5)], [], LABELS), "hate")
    assert (found.n_cases, found.n_open, found.n_decided, found.n_true) == (8, 5, 3, 3)
    assert found.rates.precision.n == 3


def test_versions_and_languages_have_rows_of_their_own():
    """A language without a draw has one that says so; cases without scores are in none."""
    other = replace(SAID, model_version="m-2", language=Language.DE)
    without = Said(Language.EN, "", frozenset(), frozenset())
    rows = rows_of([drawn(["hate"]), drawn([], said=other), drawn([], said=without)], [], LABELS)
    assert row(rows, "hate", None).rates.precision.value == 0.5
    assert row(rows, "hate", None, "m-1").rates.precision.value == 1.0
    assert row(rows, "hate", Language.DE).rates.precision.value == 0.0
    assert row(rows, ANY, Language.KO).rates.prevalence.unknown is Unknown.NO_DRAWS
    assert row(rows, ANY, None).n_cases == 6


def test_received_cases_count_once():
    """Two decided and found right, one that waits and has no draw."""
    groups = [
        ReceivedGroup(SAID, frozenset({"hate"}), 2, 0, 2.0, 0.0, Sums()),
        ReceivedGroup(SAID, None, 1, 0, 0.0, 1.0, Sums()),
        ReceivedGroup(SAID, None, 4, 4, 0.0, 0.0, Sums()),
    ]
    found = row(rows_of([], groups, LABELS), "hate", sample=MeansSample.RECEIVED)
    assert (found.n_cases, found.n_open, found.n_decided, found.n_true) == (7, 4, 2, 2)
    assert found.rates.precision.value is None
    assert (found.rates.precision.low, found.rates.precision.high) == pytest.approx((2 / 3, 1))


async def test_only_who_may_sees_what_is_restricted(desk):
    means = Means(desk.store, desk.policy, desk.clock)
    for scopes, leaves, seen in (((), False, False), (("restricted",), False, True),
                                 (("restricted",), True, False)):  # fmt: skip
        report = await means.report(scopes, 30, leaves=leaves)
        assert report.restricted is seen
        assert ("child_safety" in {found.label for found in report.rows}) is seen


async def test_hints_are_no_violations(desk):
    report = await Means(desk.store, desk.policy, desk.clock).report()
    assert "profanity" not in {found.label for found in report.rows}


async def test_a_report_is_kept_for_minutes(desk):
    """It reads every case of its window."""
    means = Means(desk.store, desk.policy, desk.clock)
    first = await means.report()
    desk.clock.advance(KEPT_FOR - timedelta(seconds=1))
    assert await means.report() is first
    desk.clock.advance(timedelta(seconds=1))
    assert await means.report() is not first


async def test_another_window_is_refused(desk):
    with pytest.raises(InvalidInput, match="window"):
        await Means(desk.store, desk.policy, desk.clock).report(days=31)
