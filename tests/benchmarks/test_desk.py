"""The desk benchmark, small: people work on a real service, and the database says what they did."""

import math
import random
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest

from benchmarks.desk import reviewers
from benchmarks.desk.__main__ import main
from benchmarks.desk.bench import Options, run
from benchmarks.desk.copies import share_out
from benchmarks.desk.forms import form_in, waiting_queues
from benchmarks.desk.report import render, write
from benchmarks.desk.reviewers import CASE, PAGES
from benchmarks.desk.timing import between, bucket_quantile, histograms, row
from benchmarks.load.report import BEGIN, END
from serving.console import pages

NO_PAGES = {
    f"/console{path}"
    for path in (
        "", "/sign-in", "/sign-on", "/sign-on/back", "/queues/live", "/quality/next",
        "/leads/release", "/care/erase", "/break/begin",
    )
}  # fmt: skip
PAGE = """
<form method="post" action="/console/queues/a/next">
<input type="hidden" name="csrf" value="12ab"><input name="reason"></form>
<form method="post" action="/console/queues/b/next">
<input type="hidden" name="csrf" value="a&amp;b"></form>
"""
METRICS = """# TYPE triage_request_seconds histogram
triage_request_seconds_bucket{le="0.1",method="GET",route="/a",status="200"} 8.0
triage_request_seconds_bucket{le="0.15",method="GET",route="/a",status="200"} 9.0
triage_request_seconds_bucket{le="+Inf",method="GET",route="/a",status="200"} 10.0
triage_request_seconds_count{method="GET",route="/a",status="200"} 10.0
triage_request_seconds_sum{method="GET",route="/a",status="200"} 1.0
"""


@pytest.fixture(scope="module")
def found():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reviewers, "LOOKS_AROUND", 1.0)
        patch.setattr(reviewers, "PAGES_AT_ONCE", 9)
        return run(Options(cases=300, reviewers=5, seconds=8.0, think_seconds=0.2), print)


def test_no_case_is_claimed_twice_and_nothing_is_lost(found):
    """Every check is 0, and there was something to check."""
    assert set(found["checks"].values()) == {0}
    assert found["n_claims"] > 5
    assert found["n_decisions"] > 5


def test_no_request_fails(found):
    """Not one answer was another one than people expect."""
    assert found["errors"] == {}
    assert found["steps"]["live updates"] >= 1


def test_every_page_that_an_address_opens_is_looked_at():
    """Those of one case, claim or term are not; neither are ways in, nor what leads elsewhere."""
    modules = [
        import_module(f"{pages.__name__}.{row.name}") for row in iter_modules(pages.__path__)
    ]
    routes = [route for module in modules for route in module.router.routes]
    opened = {route.path for route in routes if "GET" in route.methods and "{" not in route.path}
    assert opened - set(PAGES) == NO_PAGES


def test_every_page_has_a_row(found):
    """A page is measured, or named as one that is not there."""
    routes = {one["route"] for one in found["rows"]}
    expected = {f"GET {page} (decided)" if page == CASE else f"GET {page}" for page in PAGES}
    left_out = {f"GET {page}" for page in found["left_out"]}
    assert expected - left_out <= routes
    assert {f"GET {CASE} (held)", f"POST {CASE}/decide"} <= routes
    assert all(one["server_n"] for one in found["rows"])


def test_the_database_is_filled_as_asked(found):
    """Cases of each state, in several queues, tiers and every language of the demo."""
    assert found["spread"]["state"] == {"decided": 180, "queued": 114, "claimed": 6}
    assert sum(found["spread"]["queue"].values()) == 120
    assert len(found["spread"]["language"]) >= 5
    assert len(found["spread"]["tier"]) > 1


def test_the_page_shows_what_was_found(found, tmp_path):
    """JSON and the tables between the marks."""
    page = tmp_path / "performance-desk.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(found, tmp_path / "performance")
    text = page.read_text()
    assert render(found) in text
    assert text.startswith("before")
    assert text.endswith("after\n")
    assert (tmp_path / "performance" / "desk.json").is_file()


def test_a_form_gives_its_own_hidden_fields():
    """Not those of its neighbours, and as a browser would send them."""
    assert form_in(PAGE, "/console/queues/a/next") == {"csrf": "12ab"}
    assert form_in(PAGE, "/console/queues/b/next") == {"csrf": "a&b"}
    assert form_in(PAGE, "/console/queues/c/next") is None


def test_queues_without_cases_are_passed_by():
    """A row says so by its class, beside others."""
    page = '<tr id="queue-a" data-queue="a" class="idle"><tr id="queue-b-1" class=" late">'
    assert waiting_queues(page) == ["b-1"]


@pytest.mark.parametrize("n", [100, 300, 99_999, 100_000])
def test_the_states_add_up(n):
    assert sum(share_out(n).values()) == n


def test_the_servers_histogram_is_read():
    """Only what came in meanwhile counts; a quantile lies on a line through its bucket."""
    after = histograms(METRICS)["GET /a"]
    assert after == {0.1: 8.0, 0.15: 9.0, math.inf: 10.0}
    assert bucket_quantile(after, 0.85) == pytest.approx(0.125)
    assert bucket_quantile(after, 0.99) == 0.15
    assert math.isnan(bucket_quantile(between(after, after), 0.95))


def test_a_row_is_judged_by_what_people_waited():
    """One in ten above the target misses it, though most are quick."""
    seconds = [0.01] * 18 + [0.2] * 2
    random.Random(1).shuffle(seconds)
    slow = row("GET /a", seconds, histograms(METRICS)["GET /a"])
    assert (slow["p50_ms"], slow["p95_ms"], slow["reached"]) == (10.0, 200.0, False)
    assert (slow["server_n"], slow["server_in_time"]) == (10, 0.9)
    assert row("GET /a", [0.01], {})["server_p95_ms"] is None
    assert row("GET /a", [0.01], {})["reached"] is True
    assert row("GET /a", [0.01], {0.1: 1.0, math.inf: 1.0})["server_in_time"] is None


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("--cases=99", "--cases must be at least 100"),
        ("--reviewers=0", "--reviewers must lie within 1 and 99"),
        ("--seconds=0", "--seconds must be above 0"),
    ],
)
def test_a_wrong_option_is_refused(argument, reason, monkeypatch, capsys):
    """Before anything is started, in one line that names it."""
    monkeypatch.setattr(sys, "argv", ["benchmarks.desk", argument])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert reason in capsys.readouterr().err
