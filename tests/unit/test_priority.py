"""Tier and index: what raises a case, what may never lower it, and that the terms add up."""

from dataclasses import replace
from datetime import timedelta
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import (
    NOW,
    make_facts,
    make_item,
    make_priority,
    make_report,
    make_score,
    make_scores,
    make_summary,
    shipped_policy,
)
from triage_ml.domain.priority import (
    index_at,
    prioritise,
    reach_factor,
    reporter_factor,
    severity_weight,
)
from triage_ml.domain.report import Report, Source
from triage_ml.domain.scores import LabelScore, LabelScores
from triage_ml.domain.taxonomy import HEADS, Label, Language, Severity, Support, Tier

VIOLATIONS = [head for head in HEADS if head is not Label.PROFANITY]
ROW = shipped_policy().priority
shares = st.floats(0, 1)
severities = st.floats(0, 4)
supports = st.sampled_from(Support)
reasons = st.sampled_from([*Label, None])
sources = st.sampled_from(Source)


@st.composite
def some_scores(draw: st.DrawFn, support: Support | None = None) -> LabelScores:
    """Any scores; with `support`, every cell has that one."""
    labels = {}
    for head in HEADS:
        p = draw(shares)
        upper = draw(st.floats(p, 1))
        cell = support or draw(supports)
        labels[head] = LabelScore(p, upper, draw(severities), cell)
    return LabelScores(labels, draw(shares), Language.EN, "m-1")


some_reports = st.lists(st.builds(make_report, reasons, source=sources), min_size=1, max_size=3)


@given(some_reports, some_scores(), st.sampled_from(VIOLATIONS), shares, st.booleans())
def test_a_higher_probability_never_lowers_a_case(
    reports: list[Report], scores: LabelScores, label: Label, more: float, violation: bool
) -> None:
    """Raising one label's probability, or that of any violation, lowers neither tier nor base."""
    old = scores.labels[label]
    higher = replace(old, probability=max(old.probability, more), upper=max(old.upper, more))
    raised = replace(scores, labels={**scores.labels, label: higher})
    if violation:
        raised = replace(raised, p_violation=max(raised.p_violation, more))
    before, after = (make_priority(*reports, scores=s) for s in (scores, raised))
    assert after.tier <= before.tier
    assert after.base >= before.base or isclose(after.base, before.base)


@given(some_reports, some_scores(), st.sampled_from(VIOLATIONS), severities)
def test_a_higher_severity_never_lowers_a_case(
    reports: list[Report], scores: LabelScores, label: Label, more: float
) -> None:
    """Raising the expected severity of one label lowers neither tier nor base."""
    old = scores.labels[label]
    higher = replace(old, severity=max(old.severity, more))
    raised = replace(scores, labels={**scores.labels, label: higher})
    before, after = (make_priority(*reports, scores=s) for s in (scores, raised))
    assert after.tier <= before.tier
    assert after.base >= before.base or isclose(after.base, before.base)


@given(some_reports, some_scores(), st.floats(0, 1e7), st.floats(0, 1e7))
def test_more_reach_never_lowers_a_case(
    reports: list[Report], scores: LabelScores, few: float, many: float
) -> None:
    """More views per hour lower neither tier nor base."""
    few, many = sorted((few, many))
    before, after = (
        make_priority(*reports, scores=scores, item=make_item(views_per_hour=views))
        for views in (few, many)
    )
    assert after.tier <= before.tier
    assert after.base >= before.base


@given(st.floats(0, 500), st.floats(0.1, 200), st.floats(-50, 100), st.floats(0, 100))
def test_the_index_rises_with_age(base: float, sla: float, age: float, later: float) -> None:
    """Waiting never lowers the index, before and after the case is due."""
    due = NOW + timedelta(hours=sla)
    handling = timedelta(minutes=2)
    first, second = (
        index_at(ROW, base, handling, NOW, due, NOW + timedelta(hours=hours)).value
        for hours in (age, age + later)
    )
    assert second >= first


@given(some_reports, some_scores())
def test_a_score_never_lowers_the_tier_of_the_facts(
    reports: list[Report], scores: LabelScores
) -> None:
    """A tier that facts ask for (T2 or more urgent) holds whatever a model says."""
    by_facts = make_priority(*reports).tier
    by_both = make_priority(*reports, scores=scores).tier
    assert by_both <= by_facts or (by_facts is Tier.T3 and by_both is Tier.T4)


@given(some_reports, some_scores(), st.sampled_from([Tier.T0, Tier.T1]))
def test_a_case_stays_in_the_first_two_tiers(
    reports: list[Report], scores: LabelScores, previous: Tier
) -> None:
    """Once in T0 or T1, no later score takes a case out, and the reason says so."""
    priority = prioritise(shipped_policy(), make_facts(*reports), scores, previous)
    assert priority.tier <= previous
    if make_priority(*reports, scores=scores).tier > previous:
        assert priority.tier_reason == "stays where it was put before"


@given(some_reports, some_scores(Support.UNSUPPORTED) | some_scores(Support.FUNCTIONAL))
def test_unmeasured_cells_never_lower_a_case(reports: list[Report], scores: LabelScores) -> None:
    """Scores that nothing was measured for leave a case at least where it was without any."""
    unscored = make_priority(*reports)
    scored = make_priority(*reports, scores=scores)
    assert scored.tier <= unscored.tier
    assert scored.base >= unscored.base or isclose(scored.base, unscored.base)


@given(some_reports, some_scores())
def test_the_terms_multiply_out_to_the_base(reports: list[Report], scores: LabelScores) -> None:
    """Whoever reads the terms can compute the base again."""
    priority = make_priority(*reports, scores=scores)
    for term in priority.harm_terms:
        assert isclose(term.value, term.weight * term.probability / term.handling_minutes)
    harm = max(sum(term.value for term in priority.harm_terms), priority.unspecified)
    assert isclose(priority.harm, harm)
    factors = priority.reach * priority.reporter * priority.context
    assert isclose(priority.base, priority.harm * factors)


@given(st.floats(0, 500), st.floats(0.1, 100), st.floats(0, 300))
def test_the_index_is_the_sum_of_its_terms(base: float, sla: float, age: float) -> None:
    """index_at returns base, urgency and age, and they add up to its value."""
    due, now = NOW + timedelta(hours=sla), NOW + timedelta(hours=age)
    index = index_at(ROW, base, timedelta(minutes=2), NOW, due, now)
    assert isclose(index.value, index.base + index.urgency + index.age)
    assert isclose(index.age, ROW.age_weight * age / sla, abs_tol=1e-6)  # time in microseconds


@pytest.mark.parametrize(("slack", "urgency"), [(8.1, 0), (8, 0), (4, 0.5), (0, 1), (-8, 2)])
def test_urgency_starts_four_handling_times_before_the_due_time(
    slack: float, urgency: float
) -> None:
    """With 2 minutes of handling the term grows from 8 minutes before, and on afterwards."""
    due = NOW + timedelta(minutes=slack)
    index = index_at(ROW, 0, timedelta(minutes=2), NOW - timedelta(hours=1), due, NOW)
    assert index.urgency == pytest.approx(ROW.urgency_weight * urgency)


def test_a_case_that_was_due_at_once_has_an_index() -> None:
    """A due time at or before the arrival neither divides by zero nor turns the age around."""
    index = index_at(ROW, 1, timedelta(minutes=2), NOW, NOW, NOW + timedelta(minutes=1))
    assert index.age == 60 * ROW.age_weight


WEIGHTS = [(0, 0), (0.5, 0.5), (1, 1), (1.5, 2), (2, 3), (2.5, 6), (3, 9), (3.5, 18), (4, 27)]


@pytest.mark.parametrize(("severity", "weight"), WEIGHTS)
def test_severity_weights_are_interpolated(severity: float, weight: float) -> None:
    """Whole severities have the policy's weight, others lie on the line between."""
    assert severity_weight(ROW, severity) == weight


@given(sources, st.integers(0, 100), st.integers(0, 100))
def test_the_reporter_factor_stays_within_its_bounds(
    source: Source, n_outcomes: int, n_upheld: int
) -> None:
    """Whatever a reporter's past, the factor lies within 0.3 and 2."""
    factor = reporter_factor(ROW, source, n_outcomes, min(n_upheld, n_outcomes))
    assert 0.3 <= factor <= 2


def test_a_reporter_who_is_right_half_the_time_counts_once() -> None:
    """The factor is 1.0 at a posterior precision of one half, and rises with being right."""
    assert reporter_factor(ROW, Source.PROACTIVE, 0, 0) == 1.0
    assert reporter_factor(ROW, Source.USER, 90, 46) == 1.0
    assert reporter_factor(ROW, Source.USER, 100, 0) == 0.3
    assert reporter_factor(ROW, Source.USER, 100, 100) == pytest.approx(2 * 104 / 110)


def test_reach_is_logarithmic_and_capped() -> None:
    """Nine views an hour count twice, a million four times."""
    assert reach_factor(ROW, make_item(views_per_hour=0)) == 1
    assert reach_factor(ROW, make_item(views_per_hour=9)) == 2
    assert reach_factor(ROW, make_item(views_per_hour=1e6)) == 4


def test_unknown_reach_takes_the_prior_of_the_surface() -> None:
    """A surface without a prior of its own takes the default one."""
    for surface, views in [("livestream", 200), ("comment", 5), ("forum", 10)]:
        known = make_item(surface=surface, views_per_hour=views)
        assert reach_factor(ROW, make_item(surface=surface)) == reach_factor(ROW, known)


def test_the_context_adds_half_for_each_circumstance() -> None:
    """High profile, repeat actor and incident each add 0.5."""
    high_profile = make_item(high_profile=True)
    assert make_priority().context == 1
    assert make_priority(item=high_profile).context == 1.5
    assert make_priority(item=high_profile, repeat_actor=True, incident=True).context == 2.5


def test_the_upper_bound_counts_where_a_cell_is_not_measured() -> None:
    """Basis and probability of a term say which of the two was used."""
    for support, p, basis in [
        (Support.MEASURED, 0.2, "calibrated"),
        (Support.FUNCTIONAL, 0.7, "upper bound"),
        (Support.UNSUPPORTED, 0.7, "upper bound"),
    ]:
        scores = make_scores({Label.HATE: make_score(0.2, 2, support, upper=0.7)})
        terms = {term.label: term for term in make_priority(scores=scores).harm_terms}
        assert (terms[Label.HATE].probability, terms[Label.HATE].basis) == (p, basis)


def test_a_report_counts_where_its_label_is_not_measured() -> None:
    """The prior of the most credible source stands in, and only there."""
    reports = make_report(Label.HATE), make_report(Label.HATE, source=Source.AUTHORITY)
    low = make_score(0.1, 2, Support.UNSUPPORTED, upper=0.2)
    unmeasured = make_priority(*reports, scores=make_scores({Label.HATE: low}))
    measured = make_priority(*reports, scores=make_scores())
    found = [
        next(term for term in priority.harm_terms if term.label is Label.HATE)
        for priority in (unmeasured, measured)
    ]
    assert [(term.basis, term.probability) for term in found] == [
        ("report", 0.9),
        ("calibrated", 0.1),
    ]


def test_profanity_weighs_nothing() -> None:
    """A hint is no term of the harm."""
    scores = make_scores({Label.PROFANITY: make_score(1.0, 4)})
    assert make_priority(scores=scores).base == make_priority(scores=make_scores()).base
    assert Label.PROFANITY not in {t.label for t in make_priority(scores=scores).harm_terms}


def test_without_a_model_severity_comes_from_the_reason() -> None:
    """An unscored case weighs what its reason typically weighs, at the source's prior."""
    (term,) = make_priority(make_report(Label.VIOLENT_THREAT)).harm_terms
    assert (term.severity, term.weight) == (Severity.S3, 9)
    assert (term.probability, term.basis) == (ROW.reason_prior[Source.USER], "report")


@pytest.mark.parametrize("reason", [None, Label.PROFANITY])
def test_an_unscored_report_that_names_no_violation_weighs_something(reason: Label | None) -> None:
    """Without a model such a report counts as an unspecified violation, not as nothing."""
    priority = make_priority(make_report(reason))
    assert priority.harm_terms == ()
    assert priority.harm == priority.unspecified > 0


TIERS = {
    Tier.T0: make_report(Label.CHILD_SAFETY),
    Tier.T1: make_report(None, source=Source.LEGAL),
    Tier.T2: make_report(Label.SELF_HARM),
    Tier.T3: make_report(Label.HATE),
}


@pytest.mark.parametrize(("tier", "report"), TIERS.items())
def test_facts_alone_lead_to_each_tier(tier: Tier, report: Report) -> None:
    """Without a model a case is placed by its reports, and never in T4."""
    assert make_priority(report).tier is tier


FACT_TIERS = {
    "a trusted flagger reports a threat": (
        Tier.T0,
        make_facts(make_report(Label.VIOLENT_THREAT, source=Source.TRUSTED_FLAGGER)),
    ),
    "a legal deadline": (
        Tier.T1,
        make_facts(make_report(legal_deadline=NOW + timedelta(hours=5))),
    ),
    "intimate images": (Tier.T1, make_facts(make_report(Label.INTIMATE_PRIVACY))),
    "high profile": (Tier.T2, make_facts(item=make_item(high_profile=True))),
    "viral": (Tier.T2, make_facts(item=make_item(views_per_hour=1000))),
    "an incident": (Tier.T2, make_facts(incident=True)),
}


@pytest.mark.parametrize("name", FACT_TIERS)
def test_every_fact_of_the_policy_model_raises_the_tier(name: str) -> None:
    """Clocks, reach, profile and incidents each ask for their tier."""
    tier, facts = FACT_TIERS[name]
    assert prioritise(shipped_policy(), facts, None).tier is tier


def test_a_score_may_raise_a_case_to_danger_only_with_a_report() -> None:
    """Model and report together lead to T0; the model alone to T2."""
    scores = make_scores({Label.SELF_HARM: make_score(0.95, 3)})
    assert make_priority(make_report(Label.SELF_HARM), scores=scores).tier is Tier.T0
    assert make_priority(make_report(Label.HATE), scores=scores).tier is Tier.T2


HARMLESS = make_scores(p_violation=0.01)
NOT_LOW = {
    "no scores": ((make_report(),), None),
    "an unmeasured reason": (
        (make_report(),),
        make_scores({Label.HARASSMENT: make_score(0.01, 2, Support.FUNCTIONAL)}, p_violation=0.01),
    ),
    "a reason the model has no output for": ((make_report(Label.CIVIC_MISINFO),), HARMLESS),
    "another reason": ((make_report(None),), HARMLESS),
    "another reason beside a measured one": ((make_report(), make_report(None)), HARMLESS),
    "three reports": ((make_report(), make_report(), make_report()), HARMLESS),
    "a likely violation": ((make_report(),), make_scores(p_violation=0.2)),
}


@pytest.mark.parametrize("name", NOT_LOW)
def test_nothing_but_a_measurement_makes_a_case_low(name: str) -> None:
    """T4 needs a measured and harmless score for every reason."""
    reports, scores = NOT_LOW[name]
    assert make_priority(*reports, scores=scores).tier is Tier.T3


def test_a_case_measured_as_harmless_is_low() -> None:
    """With every reason measured and no likely violation a case goes to T4."""
    assert make_priority(scores=HARMLESS).tier is Tier.T4


def test_the_best_reporter_counts() -> None:
    """A poor reporter who joins does not pull a good one down."""
    summary = make_summary(make_report(), factor=1.8).add(make_report(), 0.3)
    assert summary.reporter_factor == 1.8
    assert make_priority(summary=summary).reporter == 1.8


def test_a_fact_is_named_before_a_score_that_asks_for_the_same() -> None:
    """Where both lead to T2, the reason given is the one nobody has to estimate."""
    scores = make_scores({Label.SELF_HARM: make_score(0.7)})
    priority = make_priority(make_report(Label.SELF_HARM), scores=scores)
    assert (priority.tier, priority.tier_reason) == (Tier.T2, "a report names a danger to life")
