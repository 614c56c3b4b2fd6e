"""Queue and due time: every route is reached, every clock runs, and none is prolonged."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import (
    NOW,
    make_facts,
    make_item,
    make_placement,
    make_report,
    make_score,
    make_scores,
    shipped_policy,
)
from triage_ml.domain.case import Stage
from triage_ml.domain.priority import Circumstances, gather_evidence
from triage_ml.domain.report import Source
from triage_ml.domain.routing import is_restricted, place
from triage_ml.domain.rules import RuleContext
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Label, Language, Severity

SPAM = make_report(Label.DECEPTION_SPAM)
ROUTES = {
    "child-safety": make_facts(make_report(Label.CHILD_SAFETY)),
    "imminent": make_facts(make_report(Label.VIOLENT_THREAT, source=Source.AUTHORITY)),
    "appeal": make_facts(stage=Stage.APPEAL),
    "legal": make_facts(make_report(source=Source.LEGAL)),
    "trusted-flagger": make_facts(make_report(source=Source.TRUSTED_FLAGGER)),
    "escalation": make_facts(item=make_item(high_profile=True)),
    "lang-unknown": make_facts(language=Language.UND),
    **{f"std-{x}-safety": make_facts(language=x) for x in SUPPORTED_LANGUAGES},
    **{f"std-{x}-integrity": make_facts(SPAM, language=x) for x in SUPPORTED_LANGUAGES},
}


def hours(n: float) -> datetime:
    return NOW + timedelta(hours=n)


def test_a_case_is_known_for_every_route() -> None:
    """The table of cases covers the shipped routes, so none of them is dead."""
    assert [route.queue for route in shipped_policy().routes if route.queue not in ROUTES] == []


@pytest.mark.parametrize("queue", ROUTES)
def test_every_route_is_reached(queue: str) -> None:
    """For each queue that routes feed there is a case that lands there, with the reason."""
    placement = place(shipped_policy(), ROUTES[queue], None, NOW)
    route = next(route for route in shipped_policy().routes if route.queue == queue)
    assert (placement.queue, placement.route_reason) == (queue, route.reason)


def test_the_default_queue_takes_what_no_route_wants() -> None:
    """Without a matching route a case still stands somewhere, and says why."""
    placement = place(replace(shipped_policy(), routes=()), make_facts(), None, NOW)
    assert placement.queue == shipped_policy().default_queue
    assert placement.route_reason == "no route matched"


MIXED = {
    "integrity reasons only": ((SPAM, make_report(Label.CIVIC_MISINFO)), None, "integrity"),
    "one safety reason": ((SPAM, make_report(Label.HATE)), None, "safety"),
    "no reason, likely spam": ((make_report(None),), 0.9, "integrity"),
    "no reason, no spam": ((make_report(None),), 0.1, "safety"),
}


@pytest.mark.parametrize("name", MIXED)
def test_safety_goes_before_integrity(name: str) -> None:
    """Only cases with nothing but integrity in them go to the slower queue."""
    reports, spam, kind = MIXED[name]
    scores = None if spam is None else make_scores({Label.DECEPTION_SPAM: make_score(spam)})
    assert make_placement(*reports, scores=scores).queue == f"std-en-{kind}"


def test_a_likely_child_safety_case_is_restricted_without_a_report() -> None:
    """A score alone puts a case behind the restriction, though not in T0."""
    placement = make_placement(scores=make_scores({Label.CHILD_SAFETY: make_score(0.7)}))
    assert is_restricted(shipped_policy(), placement.queue)
    assert placement.priority.tier == 2


def test_a_queue_that_no_longer_exists_is_not_restricted() -> None:
    """A case placed under an older policy may stand in a queue that is gone."""
    assert not is_restricted(shipped_policy(), "gone")


SEVERITIES = [(0.0, 24), (1.9, 24), (2.0, 24), (2.9, 24), (3.0, 4), (4.0, 4)]


@pytest.mark.parametrize(("severity", "limit"), SEVERITIES)
def test_the_clock_of_a_safety_queue_follows_severity(severity: float, limit: float) -> None:
    """From S3 upwards a case has four hours."""
    scores = make_scores({Label.HARASSMENT: make_score(0.3, severity)})
    placement = make_placement(scores=scores)
    assert (placement.due_at, placement.clock) == (hours(limit), "std-en-safety")


def test_the_clock_below_every_severity_limit_is_that_of_the_queue() -> None:
    """hours_by_severity replaces the clock only from its severity upwards."""
    queue = shipped_policy().queues["std-en-safety"]
    slow = replace(queue, hours=30, hours_by_severity={Severity.S3: 4, Severity.S2: 24})
    policy = replace(shipped_policy(), queues={**shipped_policy().queues, slow.name: slow})
    scores = make_scores({Label.HARASSMENT: make_score(0.3, 1)})
    assert place(policy, make_facts(), scores, NOW).due_at == hours(30)


def test_a_legal_deadline_is_shortened_by_the_margin() -> None:
    """A quarter of what is left of a deadline is kept free."""
    placement = make_placement(make_report(legal_deadline=hours(8)))
    assert (placement.due_at, placement.clock) == (hours(6), "the report's legal deadline")


def test_a_deadline_that_is_over_sets_no_clock() -> None:
    """Long after the deadline a case is due by its queue, not in the past."""
    facts = make_facts(make_report(legal_deadline=hours(-1000)))
    placement = place(shipped_policy(), facts, None, NOW)
    assert (placement.due_at, placement.clock) == (hours(36), "legal")


TERRORIST = make_report(Label.VIOLENT_EXTREMISM, source=Source.AUTHORITY, jurisdiction="DE")
CLOCKS = {
    "EU terrorist content order": TERRORIST,
    "US TAKE IT DOWN": make_report(Label.INTIMATE_PRIVACY, jurisdiction="US"),
    "EU code of conduct, monitoring notices": make_report(
        Label.HATE, source=Source.TRUSTED_FLAGGER
    ),
    "TR Law 5651, ruling": make_report(source=Source.AUTHORITY, jurisdiction="TR"),
    "TR Law 5651, answer to a person": make_report(source=Source.LEGAL, jurisdiction="TR"),
    "KR without delay": make_report(source=Source.LEGAL, jurisdiction="KR"),
}


def context_of(facts: Circumstances) -> RuleContext:
    known = gather_evidence(shipped_policy(), facts, None).context
    return RuleContext({**known, "tier": 1, "degraded": True})


@pytest.mark.parametrize("clock", shipped_policy().clocks, ids=lambda clock: clock.name)
def test_every_legal_clock_runs_for_its_case(clock: object) -> None:
    """Each shipped clock has a case it applies to, and is met with a quarter to spare."""
    assert any(clock.when.holds(context_of(make_facts(r))) for r in CLOCKS.values())
    facts = make_facts(CLOCKS[clock.name])
    assert clock.when.holds(context_of(facts))
    assert place(shipped_policy(), facts, None, NOW).due_at <= hours(clock.hours * 0.75)
    assert not clock.when.holds(context_of(make_facts()))


def test_the_shortest_clock_wins_and_is_named() -> None:
    """A ruling in Türkiye is due after 18 hours although its queue would allow 36."""
    placement = make_placement(CLOCKS["TR Law 5651, ruling"])
    assert (placement.due_at, placement.clock) == (hours(18), "TR Law 5651, ruling")


@given(
    st.sampled_from([*ROUTES.values(), *(make_facts(r) for r in CLOCKS.values())]),
    st.floats(-100, 400),
)
def test_a_running_clock_is_never_prolonged(facts: Circumstances, before: float) -> None:
    """Placing a case anew never moves its due time later."""
    placement = place(shipped_policy(), facts, None, NOW, previous_due_at=hours(before))
    assert placement.due_at <= hours(before)


def test_likely_and_reported_labels_are_kept_with_the_case() -> None:
    """Reviewers may opt out of a label by what is likely or reported, not by remote chances."""
    scores = make_scores({Label.GRAPHIC_VIOLENCE: make_score(0.5), Label.HATE: make_score(0.49)})
    assert make_placement(scores=scores).labels == (Label.HARASSMENT, Label.GRAPHIC_VIOLENCE)
