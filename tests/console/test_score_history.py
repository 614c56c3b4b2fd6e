"""The history of scores beside a case."""

import pytest

from tests.console.desk import another, hold, take
from tests.console.person import Person, PlainHasher
from tests.serving.bench import Bench, policy_with
from tests.serving.conftest import MakeBench
from triage_ml.testing import StubScorer

TITLE = "History of scores"


@pytest.mark.parametrize("scope", ["ml", "lead", "admin"])
def test_who_looks_after_models_or_queues_reads_what_models_said(bench: Bench, scope: str) -> None:
    page = f"/console/cases/{bench.report()['case_id']}"
    bench.service.scoring.scorer = StubScorer(version="stub-2")
    bench.report(text="You are a nice person.", report_reporter_ref="reporter-2")
    shown = another(bench, "lena", scope).get(page).text
    assert TITLE in shown
    history = shown.partition(TITLE)[2]
    assert "2 scores on record" in history
    assert history.index("stub-1") < history.index("stub-2")
    assert "It is an earlier text." in history
    assert "By key-admin" in history
    assert "loser" not in history.partition("</section>")[0]


def test_who_only_reviews_does_not(person: Person) -> None:
    assert TITLE not in person.get(hold(person)).text


def test_a_case_without_scores_says_so(bench: Bench) -> None:
    bench.service.scoring.scorer = None
    page = f"/console/cases/{bench.report()['case_id']}"
    shown = another(bench, "lena", "ml").get(page).text
    assert "There are no scores on record." in shown
    assert "Without scores." in shown


def test_who_holds_the_case_blind_does_not_whatever_their_scopes(make_bench: MakeBench) -> None:
    bench = make_bench(hasher=PlainHasher(), policy=policy_with(blind_share=1.0))
    bench.report()
    lena = another(bench, "lena", "ml", "lead")
    assert TITLE not in lena.get(take(lena)).text
