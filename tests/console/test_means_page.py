"""The page of automated means, and the files of its numbers."""

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta
from zipfile import ZipFile

import pytest

from tests.console.desk import another, bench_with_mara
from tests.console.person import Person
from tests.serving.bench import Bench
from tests.serving.conftest import MakeBench
from triage_ml.policy import load_policy

URL = "/console/means"


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """A desk where every claim is drawn at random."""
    policy = load_policy()
    priority = replace(policy.priority, random_share=1.0, blind_share=0.0)
    return bench_with_mara(make_bench, policy=replace(policy, priority=priority))


def decide(bench: Bench, item_id: str, *, finds: bool, **changes: str) -> None:
    """Report an item in which the model finds harassment, and decide it."""
    queue = bench.report(item_id=item_id, **changes)["queue"]
    bench.clock.advance(timedelta(minutes=1))
    claimed = bench.claim(queue, scope="lead")
    verdict = {"action": "no_action", "findings": {"harassment": "S2"} if finds else {}}
    body = {"claim_id": claimed["claim"]["claim_id"], **verdict}
    path = f"/v1/cases/{claimed['case']['case_id']}/decision"
    assert bench.post(path, body, scope="lead").is_success
    bench.clock.advance(timedelta(minutes=1))


@pytest.fixture
def analyst(person: Person) -> Person:
    return another(person.bench, "ines", "ml")


def table(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))


def test_the_page_says_what_is_not_known(analyst: Person) -> None:
    """With no draw there is no number, and each language says so."""
    page = analyst.get(URL)
    assert page.status_code == 200
    assert "Error rate of automated means" in page.text
    assert page.text.count("chance has drawn no case yet that was decided") == 5
    assert "Nothing is known of it in this time." in page.text
    assert "style=" not in page.text


def test_what_nothing_is_known_of_takes_a_line(analyst: Person) -> None:
    """Of cases that wait the labels are named, instead of five reasons for each."""
    analyst.bench.report(item_id="waits")
    analyst.bench.clock.advance(timedelta(minutes=1))
    page = analyst.get(URL).text
    assert "means-all" not in page
    folded = page.partition("<details>\n<summary>What is not known")[2].partition("</details>")[0]
    assert re.findall(r"<li>([^:]+): any violation, ", folded) == ["All languages", "English"]
    decide(analyst.bench, "decided", finds=True)
    page = analyst.get(f"{URL}?days=30").text
    assert page.partition("means-all")[2].count('<th scope="row">English') > 1


def test_only_who_may_reads_it(person: Person) -> None:
    """A reviewer does not, a lead does; it stands in the navigation of who may."""
    assert person.get(URL).status_code == 403
    assert f'href="{URL}"' not in person.get("/console/queues").text
    lead = another(person.bench, "lea", "lead")
    assert lead.get(URL).status_code == 200
    assert f'href="{URL}"' in lead.get("/console/queues").text


@pytest.mark.parametrize(
    "query", ["days=7", "sample=all", "language=fr", "label=nonsense", "version=m-0"]
)
def test_a_wrong_question_names_its_field(analyst: Person, query: str) -> None:
    answer = analyst.get(f"{URL}/data?{query}", accept="application/json")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]
    assert analyst.get(f"{URL}?{query}").status_code == 422


def test_numbers_come_with_their_interval(analyst: Person) -> None:
    """Of four found by the model people agreed with three; files hold the same."""
    for number in range(4):
        decide(analyst.bench, f"post-{number}", finds=number > 0)
    page = analyst.get(f"{URL}?language=en")
    nothing_left = '75% <span class="soft interval">(75% – 75%)</span>'
    assert nothing_left in page.text  # all are decided: nothing is left to chance
    drawn = analyst.get(f"{URL}?language=en&sample=waiting").text
    assert '75% <span class="soft interval">(13.2% – 99.8%)</span>' in drawn
    rows = table(analyst.get(f"{URL}/export.csv").content)
    [one] = [
        row
        for row in rows
        if (row["sample"], row["language"], row["label"], row["model_version"], row["rate"])
        == ("waiting", "en", "harassment", "all", "precision")
    ]
    assert (one["n_decided"], one["n_true"], one["value"]) == ("4", "3", "0.75")
    assert float(one["low"]) == pytest.approx(0.132, abs=0.001)


def test_the_chart_draws_what_the_table_says(analyst: Person) -> None:
    """A language leads to its labels, a label to its languages."""
    decide(analyst.bench, "post-1", finds=True)
    charts = analyst.get(f"{URL}/data?sample=waiting").json()["charts"]
    assert [row["key"] for row in charts] == [
        "error_rate", "precision", "recall", "false_positive_rate", "prevalence",
    ]  # fmt: skip
    precision = next(row for row in charts if row["key"] == "precision")
    at = precision["names"].index("English")
    assert precision["series"][0]["values"][at] == pytest.approx([0.025, 1, 1])
    assert precision["hrefs"][at] == f"{URL}?sample=waiting&language=en"
    labels = analyst.get(f"{URL}/data?sample=waiting&language=en").json()["charts"][0]
    assert labels["names"][:2] == ["any violation", "Hate"]
    assert labels["hrefs"][1] == f"{URL}?sample=waiting&label=hate"


def test_what_is_restricted_is_seen_by_who_may_and_leaves_with_nobody(analyst: Person) -> None:
    bench = analyst.bench
    decide(bench, "hidden-1", finds=True, report_reason="child_safety")
    assert "Child safety" not in analyst.get(URL).text
    assert analyst.get(f"{URL}?label=child_safety").status_code == 403
    rita = another(bench, "rita", "ml", "restricted")
    page = rita.get(f"{URL}?sample=waiting&language=en&label=child_safety")
    assert page.status_code == 200
    assert "Child safety" in page.text
    rows = table(rita.get(f"{URL}/export.csv").content)
    assert "child_safety" not in {row["label"] for row in rows}
    assert {row["n_cases"] for row in rows} == {"0"}
    picture = rita.get(f"{URL}/data?file=1&language=en").json()["charts"][0]
    assert "Child safety" not in picture["names"]


def test_a_workbook_says_what_it_is_of(analyst: Person) -> None:
    answer = analyst.get(f"{URL}/export.xlsx?days=365")
    assert answer.headers["content-disposition"].endswith('-365d.xlsx"')
    with ZipFile(io.BytesIO(answer.content)) as book:
        assert "error rate of automated means" in str(book.read("xl/sharedStrings.xml"))
