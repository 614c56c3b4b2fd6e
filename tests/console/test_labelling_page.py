"""The page of what is chosen to learn from, and why a case stands in its queue."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.console.desk import (
    FINDING,
    another,
    bench_with_mara,
    decide,
    keys_of,
    member,
    signed_in,
    take,
)
from tests.console.person import Person, PlainHasher
from tests.serving.bench import Bench, policy_with
from tests.serving.conftest import MakeBench
from triage_ml.domain.labelling import LabellingPolicy
from triage_ml.domain.taxonomy import Label
from triage_ml.testing import StubScorer

PAGE = "/console/labelling"
SCORES = {"doubtful": {Label.HARASSMENT: 0.5}}


def bench_with(make_bench: MakeBench, blind_share: float = 0.0) -> Bench:
    return bench_with_mara(make_bench, policy=policy_with(blind_share), scorer=StubScorer(SCORES))


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return bench_with(make_bench)


def choose(bench: Bench, n: int = 1) -> None:
    """Report some doubtful posts and let a worker choose from them, hours later.

    Who signed in before has been away for too long then.
    """
    for number in range(n):
        bench.report(item_id=f"post-{number}", text=f"a doubtful post {number}")
    bench.clock.set(bench.clock.now() + timedelta(hours=2))
    assert len(bench.run(bench.service.labelling.pick)) == n


def test_a_reviewer_sees_why_a_case_was_chosen(bench: Bench) -> None:
    choose(bench)
    person = signed_in(bench)
    page = person.get(take(person, "qa")).text
    assert "Chosen to learn from: the model is unsure (Harassment, English)." in page


def test_a_case_that_was_not_chosen_says_nothing_of_it(bench: Bench, person: Person) -> None:
    bench.report(text="a doubtful post")
    assert "Chosen to learn from" not in person.get(take(person)).text


def test_who_decides_blind_is_not_told(make_bench: MakeBench) -> None:
    """The reason would give the model's doubt away; so would the log."""
    bench = bench_with(make_bench, blind_share=1.0)
    choose(bench)
    person = signed_in(bench)
    page = take(person, "qa")
    shown = person.get(page).text
    assert "Chosen to learn from" not in shown
    assert "label next" not in shown
    assert decide(person, page).status_code == 303
    assert "Chosen to learn from" in person.get(page).text


def test_the_log_keeps_the_reason_from_who_decides_blind(make_bench: MakeBench) -> None:
    bench = bench_with(make_bench, blind_share=1.0)
    choose(bench)
    claimed = bench.claim("qa")
    path = f"/v1/cases/{claimed['case']['case_id']}/events"
    assert "label_next" not in bench.get(path, scope="review").text
    assert "label_next" in bench.get(path, scope="lead").text


def test_the_page_is_for_who_trains_models(bench: Bench, person: Person) -> None:
    assert person.get(PAGE).status_code == 403
    assert PAGE not in person.get("/console/queues").text
    shown = member(bench, "anna", "ml").get(PAGE)
    assert shown.status_code == 200
    assert "Nothing has been chosen yet." in shown.text
    assert f'href="{PAGE}" aria-current="page"' in shown.text


def test_the_page_tells_the_budget_and_what_picks_brought(bench: Bench) -> None:
    choose(bench, 3)
    person = signed_in(bench)
    page = take(person, "qa")
    assert decide(person, page).status_code == 303
    shown = member(bench, "anna", "ml").get(PAGE).text
    assert "<dt>Chosen</dt><dd>3</dd>" in shown
    assert "Harassment 1" in shown
    assert "100% " in shown
    assert "post" not in shown.partition("<main")[2].replace('method="post"', "")


def test_a_restricted_finding_is_in_no_number(bench: Bench) -> None:
    """What was found belongs behind the restriction, and so does that it was found."""
    choose(bench)
    person = signed_in(bench)
    page = take(person, "qa")
    finding = {**FINDING, "label": "child_safety", "severity.child_safety": "S3"}
    answer = person.post(f"{page}/decide", {**keys_of(person, page), **finding})
    assert answer.status_code == 303
    shown = member(bench, "anna", "ml").get(PAGE).text
    assert "Child" not in shown
    assert "Nothing has been chosen yet." in shown


def test_a_budget_of_nothing_says_so(make_bench: MakeBench) -> None:
    policy = replace(policy_with(0.0), labelling=LabellingPolicy())
    bench = make_bench(hasher=PlainHasher(), policy=policy)
    assert "nothing is chosen" in member(bench, "anna", "ml").get(PAGE).text


def test_an_administrator_opens_it_too(bench: Bench) -> None:
    assert another(bench, "ada", "admin").get(PAGE).status_code == 200
