"""The pages of trends, and the files of their numbers."""

import csv
import io
import re
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from httpx2 import Response

from serving.console import sheets
from tests.console.desk import another, decide, hold, id_of, member
from tests.console.person import Person
from triage_ml.workflow import answers

URL = "/console/trends"
SURFACE = "=HYPERLINK(1)"


def chart(person: Person, key: str, query: str = "") -> dict[str, Any]:
    charts = person.get(f"{URL}/data?{query}").json()["charts"]
    found: dict[str, Any] = next(row for row in charts if row["key"] == key)
    return found


def table(answer: Response) -> list[list[str]]:
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def restricted_report(person: Person) -> dict[str, Any]:
    return person.bench.report(item_id="hidden-1", report_reason="child_safety")


def test_the_page_shows_what_was_reported(person: Person) -> None:
    """With its table, its files, and what it is no measure of."""
    person.bench.report()
    page = person.get(URL)
    assert page.status_code == 200
    for expected in (
        "Reports",
        "Harassment",
        "Jan 5, 2026",
        "export.csv?",
        "export.xlsx?",
        "It speaks of the cases that waited",
        "data-source=",
    ):
        assert expected in page.text
    assert "style=" not in page.text


def test_data_are_those_of_the_table(person: Person) -> None:
    """The script draws what the page says."""
    person.bench.report()
    person.bench.report(item_id="post-2")
    found = chart(person, "reports")
    assert len(found["names"]) == 28
    assert [(row["name"], row["part"], row["values"][-1]) for row in found["series"]] == [
        ("Harassment", "harassment", 2)
    ]
    assert found["hrefs"][-1].startswith(f"{URL}/cases?from=2026-01-05&to=2026-01-05")


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("label=harassment", 1),
        ("label=hate", 0),
        ("language=en", 1),
        ("language=ko", 0),
        ("surface=post", 1),
        ("to=2026-01-04", 0),
        ("split=language", 1),
        ("split=none", 1),
    ],
)
def test_filters_stand_in_the_address(person: Person, query: str, n: int) -> None:
    """Each narrows the numbers and is kept by the form and the links."""
    person.bench.report()
    found = chart(person, "reports", query)
    assert sum(sum(row["values"]) for row in found["series"]) == n
    page = person.get(f"{URL}?{query}")
    assert f"{query.partition('=')[0]}={query.partition('=')[2]}" in page.text


def test_weeks_add_up_days(person: Person) -> None:
    """A week is named by its Monday; its link holds its days, inside of what was asked."""
    person.bench.report()
    found = chart(person, "reports", "step=week&from=2025-12-31&to=2026-01-06")
    assert found["names"] == ["Dec 29, 2025", "Jan 5, 2026"]
    assert found["series"][0]["values"] == [0, 1]
    assert "from=2025-12-31&to=2026-01-04" in found["hrefs"][0]


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "to=2026-13-01",
        "from=2026-01-05&to=2026-01-01",
        "from=2020-01-01",
        "from=0001-01-01&to=0001-01-02",
        "to=0001-01-02",
        "label=rudeness",
        "language=xx",
        "split=author",
        "step=hour",
        "surface=%20x",
        "surface=%00",
    ],
)
def test_what_makes_no_sense_is_refused(person: Person, query: str) -> None:
    """With a page, and for scripts with the field that is wrong."""
    assert person.get(f"{URL}?{query}").status_code == 422
    told = person.get(
        f"{URL}/data?{query}", accept="application/json", **{"sec-fetch-mode": "cors"}
    )
    assert told.status_code == 422
    name = query.partition("=")[0]
    days = {"from", "to"}  # of which the one is wrong because of the other
    assert told.json()["errors"][0]["field"] in (days if name in days else {name})


def test_an_unknown_measure_is_refused(person: Person) -> None:
    assert person.get(f"{URL}/cases?measure=authors").status_code == 422


def test_a_number_leads_to_its_cases(person: Person) -> None:
    """Without their texts."""
    receipt = person.bench.report(text="You are a loser, plainly.")
    page = person.get(f"{URL}/cases?measure=reports&label=harassment")
    assert f"/console/cases/{receipt['case_id']}" in page.text
    assert "1 case you may see" in page.text
    assert "plainly" not in page.text


def test_decisions_make_a_share_with_an_interval(person: Person) -> None:
    """One of one: the interval says how little that is."""
    page = hold(person)
    decide(person, page)
    [low, share, high] = chart(person, "shares")["series"][0]["values"][-1]
    assert share == 1.0
    assert high == pytest.approx(1.0)
    assert low == pytest.approx(0.207, abs=0.001)
    assert chart(person, "violations")["series"][0]["part"] == "harassment"
    listed = person.get(f"{URL}/cases?measure=violations")
    assert str(id_of(page)) in listed.text


def test_a_long_list_says_that_it_is_cut(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.console.pages.trends.MAX_LISTED", 1)
    for n in range(2):
        person.bench.report(item_id=f"post-{n}")
    assert "Only the newest 1 case is listed" in person.get(f"{URL}/cases").text


def test_nobody_without_the_scope_sees_what_is_restricted(person: Person) -> None:
    """Neither in numbers, nor in lists; and asking for it is refused."""
    receipt = restricted_report(person)
    assert chart(person, "reports")["series"] == []
    assert receipt["case_id"] not in person.get(f"{URL}/cases").text
    assert person.get(f"{URL}?label=child_safety").status_code == 403
    assert "Child safety" not in person.get(URL).text


def test_who_has_the_scope_sees_it_and_takes_none_of_it_out(person: Person) -> None:
    """A file may go anywhere."""
    receipt = restricted_report(person)
    lea = another(person.bench, "lea", "restricted")
    assert chart(lea, "reports")["series"][0]["part"] == "child_safety"
    assert receipt["case_id"] in lea.get(f"{URL}/cases?label=child_safety").text
    assert table(lea.get(f"{URL}/export.csv?chart=reports")) == [["day", "label", "n"]]
    assert lea.get(f"{URL}/export.csv?chart=reports&label=child_safety").status_code == 403
    assert chart(lea, "reports", "file=1")["series"] == []
    assert lea.get(f"{URL}/data?file=1&label=child_safety").status_code == 403


@pytest.mark.parametrize("path", ["", "/data", "/cases", "/export.csv?chart=reports"])
def test_trends_need_a_reviewer_or_a_lead(person: Person, stranger: Person, path: str) -> None:
    bench = person.bench
    bench.client.cookies.clear()
    assert stranger.get(URL + path).status_code == 303
    ines = member(bench, "ines", "intake")
    assert ines.get(URL + path).status_code == 403


def test_a_lead_sees_trends(person: Person) -> None:
    assert member(person.bench, "lou", "lead").get(URL).status_code == 200


@pytest.mark.parametrize(
    ("key", "columns"),
    [
        ("reports", "day,label,n"),
        ("violations", "day,label,n"),
        ("shares", "day,n_decisions,n_found,share,low,high"),
        ("prevalence", "language,label,n_drawn,n_decided,n_found,share,low,high"),
    ],
)
def test_a_file_has_the_numbers_of_its_chart(person: Person, key: str, columns: str) -> None:
    """Under names that are the same in every language."""
    decide(person, hold(person))
    answer = person.get(f"{URL}/export.csv?chart={key}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert (
        f'filename="triage-{key}-2025-12-09-2026-01-05.csv"'
        in (answer.headers["content-disposition"])
    )
    assert ",".join(table(answer)[0]) == columns
    assert len(table(answer)) > 1


def test_no_cell_of_a_file_is_a_formula(person: Person) -> None:
    """A surface is a name that the platform gives; a spreadsheet must not compute it."""
    person.bench.report(item_surface=SURFACE)
    rows = table(person.get(f"{URL}/export.csv?chart=reports&split=surface"))
    assert rows[-1][1] == "'" + SURFACE


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "\uff1d1"])
def test_a_text_that_begins_like_a_formula_is_marked(text: str) -> None:
    rows = sheets.write_csv(["a"], [[text], [-1], [None]]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(rows, newline="")))[1:] == [["'" + text], ["-1"], [""]]


def test_a_workbook_holds_texts_and_numbers(person: Person) -> None:
    """No cell of it is a formula or a link."""
    pytest.importorskip("xlsxwriter")
    person.bench.report(item_surface=SURFACE)
    answer = person.get(f"{URL}/export.xlsx?chart=reports&split=surface")
    with ZipFile(io.BytesIO(answer.content)) as book:
        data = book.read("xl/worksheets/sheet1.xml").decode()
        texts = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in data
    assert "hyperlink" not in data
    assert SURFACE in texts
    assert "of cases that waited" in texts


def test_a_chart_that_there_is_not_is_not_found(person: Person) -> None:
    assert person.get(f"{URL}/export.csv?chart=authors").status_code == 404


def test_a_surface_cannot_bring_markup_or_turn_the_page(person: Person) -> None:
    """It is shown as it is, in a place of its own."""
    person.bench.report(item_surface="<b>x</b>\u202e")
    for path in (f"{URL}?split=surface", f"{URL}/cases"):
        page = person.get(path).text
        assert "<b>x" not in page
        assert "<bdi>&lt;b&gt;x" in page


def test_spikes_are_told(person: Person) -> None:
    """Against the four weeks before, with the way to the day's reports."""
    bench, now = person.bench, person.bench.clock.now()
    for days in range(30, 0, -1):
        bench.clock.set(now - timedelta(days=days))
        bench.report(item_id=f"old-{days}")
    bench.clock.set(now)
    for n in range(40):
        bench.report(item_id=f"new-{n}")
    page = person.get(URL).text
    assert "z = " in page
    assert "No spike" not in page
    assert chart(person, "reports")["marks"] == [{"at": 27, "text": "Spike"}]


@pytest.mark.parametrize("days_before", [0, 27, 28])
def test_a_new_service_has_no_spikes(person: Person, days_before: int) -> None:
    """A day is judged by the 28 before it; before the first report nobody could report."""
    bench, now = person.bench, person.bench.clock.now()
    bench.clock.set(now - timedelta(days=days_before))
    bench.report(item_id="first")
    bench.clock.set(now)
    for n in range(40):
        bench.report(item_id=f"new-{n}")
    enough = days_before == 28
    assert ("Too few days are counted yet" in person.get(URL).text) is not enough
    assert bool(chart(person, "reports")["marks"]) is enough


def glowberries(person: Person) -> None:
    """Report what several people begin to say, beside what one says often."""
    bench, now = person.bench, person.bench.clock.now()
    bench.clock.set(now - timedelta(days=15))
    for n in range(160):
        bench.report(item_id=f"usual-{n}", text=f"a usual text {n % 9}", item_author_ref=f"a{n}")
    bench.clock.set(now)
    for n in range(8):
        text = f"glowberry offer {'abcdefgh'[n] * 3}"
        bench.report(item_id=f"new-{n}", text=text, item_author_ref=f"b{n}")
        bench.report(item_id=f"own-{n}", text="moonpepper only", item_author_ref="same")


def test_emerging_terms_lead_to_their_cases(person: Person) -> None:
    """What one person writes is no term, however often."""
    glowberries(person)
    person.bench.run(person.bench.service.trends.look_for_emerging)
    emerging, _ = person.bench.run(person.bench.service.trends.emerging)
    page = person.get(URL).text
    assert "glowberry" in {row.words for row in emerging}
    assert not any("moonpepper" in row.words for row in emerging)
    for row in emerging:
        assert f"{URL}/emerging/{row.key}" in page
        assert f"{row.n_items} cases you may see" in person.get(f"{URL}/emerging/{row.key}").text


def test_a_term_that_is_over_is_not_found(person: Person) -> None:
    assert person.get(f"{URL}/emerging/0123456789abcdef").status_code == 404


def test_an_empty_desk_has_a_page_too(person: Person) -> None:
    """Before anything was reported or counted."""
    page = person.get(URL)
    assert "Nothing is counted yet" in page.text
    assert "Nothing to show for these days." in page.text
    person.bench.run(person.bench.service.trends.count)
    assert "Counted up to" in person.get(URL).text


def test_a_chart_without_a_value_is_not_drawn(person: Person) -> None:
    """Reports are counted, and nothing is decided yet: its table says so by itself."""
    person.bench.report()
    page = person.get(URL).text
    drawn = re.findall(r'id="chart-(\w+)"', page)
    assert "reports" in drawn
    assert not {"shares", "prevalence"} & set(drawn)
    assert re.findall(r'data-png="(\w+)"', page) == drawn
    assert page.count("Nothing to show for these days.") == 4 - len(drawn)


def test_many_parts_are_shown_together(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest by themselves, the others as one."""
    monkeypatch.setattr(answers, "MAX_PARTS", 2)
    for n, surface in enumerate("aaabbcd"):
        person.bench.report(item_id=f"post-{n}", item_surface=surface)
    found = chart(person, "reports", "split=surface")
    assert [(row["name"], row["values"][-1]) for row in found["series"]] == [
        ("a", 3),
        ("b", 2),
        ("All others", 2),
    ]
