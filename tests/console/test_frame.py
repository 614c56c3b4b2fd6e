"""What every page has, and how dates and numbers are written for its reader."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest

from serving.console.assets import ASSETS, static
from serving.console.frame import environment
from serving.console.i18n import (
    ACTIONS,
    LABELS,
    SEVERITIES,
    TIERS,
    Voice,
    accepted_language,
    time_zones,
)
from tests.console.person import PASSWORD, Person
from triage_ml.domain.decision import Action
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Label, Language, Severity, Tier

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def voice(language: Language, zone: str = "UTC") -> Voice:
    return Voice(language, ZoneInfo(zone), NOW)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.5, tr", "tr"),
        ("fr, es;q=0.3", "es"),
        ("KO-kr", "ko"),
        ("fr", "en"),
        ("", "en"),
        ("de;q=0, *", "en"),
        ("de;q=x", "en"),
    ],
)
def test_the_browser_chooses_the_language_before_sign_in(header: str, language: str) -> None:
    """The best of those there are, English otherwise."""
    assert accepted_language(header) == language


def test_the_account_chooses_the_language_after_it(person: Person) -> None:
    """Whatever the browser asks for."""
    text = person.get("/console/preferences", **{"accept-language": "de"}).text
    assert '<html lang="en">' in text


@pytest.mark.parametrize("language", SUPPORTED_LANGUAGES)
def test_the_sign_in_speaks_every_language(stranger: Person, language: Language) -> None:
    """A page has a language, one heading and one place for its content."""
    answer = stranger.get("/console/sign-in", **{"accept-language": language.value})
    assert f'<html lang="{language.value}">' in answer.text
    assert answer.text.count("<h1>") == 1
    assert answer.text.count("<main ") == 1
    assert ("Sign in" in answer.text) is (language is Language.EN)


@pytest.mark.parametrize("scope", ["intake", "lead", "ml", "review"])
def test_every_place_of_the_navigation_opens(stranger: Person, scope: str) -> None:
    """Nobody is led to a page that their account does not open."""
    bench = stranger.bench
    bench.run(bench.service.accounts.create, "ines", "Ines", [scope], PASSWORD)
    ines = Person(bench, "ines")
    ines.sign_in()
    text = ines.get("/console/preferences").text
    nav = text.partition('<ul class="places">')[2].partition("</ul>")[0]
    places = re.findall(r'href="([^"]+)"', nav)
    assert "/console/care" in places
    assert [place for place in places if ines.get(place).status_code != 200] == []


@pytest.mark.parametrize("scope", ["admin", "intake", "lead", "ml", "review"])
def test_every_link_and_form_of_a_place_opens(stranger: Person, scope: str) -> None:
    """Nothing is offered that the account may not do."""
    bench = stranger.bench
    for number, reason in enumerate(("harassment", "self_harm", "deception_spam")):
        bench.report(item_id=f"post-{number}", report_reason=reason)
    bench.run(bench.service.trends.count)
    bench.run(bench.service.accounts.create, "ines", "Ines", [scope], PASSWORD)
    ines = Person(bench, "ines")
    home = ines.sign_in().headers["location"]
    nav = ines.get(home).text.partition('<ul class="places">')[2].partition("</ul>")[0]
    refused = []
    for place in [home, *re.findall(r'href="([^"]+)"', nav)]:
        main = ines.get(place).text.partition("<main")[2]
        for way in sorted(set(re.findall(r'href="(/[^"#]+)', main))):
            answer = ines.get(unescape(way), accept="*/*")
            refused += [(place, way)] if answer.status_code == 403 else []
        for way in sorted(set(re.findall(r'method="post" action="([^"]+)"', main))):
            answer = ines.post(way, {"csrf": ines.token(place)})
            refused += [(place, way)] if answer.status_code == 403 else []
    assert refused == []


def test_no_page_has_code_or_style_in_it(person: Person) -> None:
    """The policy of the console refuses both, and nothing comes from outside."""
    text = person.get("/console/preferences").text
    assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]* src=)", text)
    assert all(
        link.startswith("/console/") for link in re.findall(r'(?:src|href)="(/[^"]*)"', text)
    )
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


def test_every_field_has_a_name_for_a_screen_reader(person: Person) -> None:
    """What is not hidden has a label."""
    text = person.get("/console/preferences").text
    ids = re.findall(r'<(?:input type="checkbox"|select) id="([^"]+)"', text)
    assert len(ids) == 2 + len(Label)
    assert all(f'<label for="{name}">' in text for name in ids)


def test_a_time_is_written_by_the_readers_clock() -> None:
    """The time alone if it is of today there."""
    at = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
    assert voice(Language.DE, "Europe/Berlin").when(at) == "09:30"
    assert "17:30" in voice(Language.TR, "Asia/Seoul").when(at)
    yesterday = voice(Language.DE, "Europe/Berlin").when(at - timedelta(days=1))
    assert yesterday.startswith("04.01.2026")
    assert voice(Language.ES).day(at).endswith("2026")


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", "3 hours ago"), ("de", "vor 3 Stunden"), ("tr", "3 saat önce"), ("ko", "3시간 전")],
)
def test_how_long_ago(language: str, written: str) -> None:
    """Words of the language, with its plurals."""
    assert voice(Language(language)).ago(NOW - timedelta(hours=3)) == written


def test_numbers_have_the_signs_of_the_language() -> None:
    """Points and commas."""
    assert voice(Language.EN).number(1234567.5) == "1,234,567.5"
    assert voice(Language.DE).number(1234567.5) == "1.234.567,5"
    assert voice(Language.TR).percent(0.84) == "%84"
    assert voice(Language.EN).percent(0.84) == "84%"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 sec"),
        (45, "45 sec"),
        (90, "1 min 30 sec"),
        (3600, "1 hr"),
        (3599.9, "1 hr"),
        (5430, "1 hr 30 min"),
        (3600 * 49, "2 days 1 hr"),
        (-5, "0 sec"),
    ],
)
def test_a_span_has_two_units_at_most(seconds: float, written: str) -> None:
    """The smaller one is rounded, not cut."""
    assert voice(Language.EN).duration(seconds) == written


@pytest.mark.parametrize("language", SUPPORTED_LANGUAGES)
def test_every_code_has_a_name(language: Language) -> None:
    """Labels, tiers, severities, actions and languages."""
    speak = voice(language)
    assert LABELS.keys() == set(Label)
    assert TIERS.keys() == set(Tier)
    assert SEVERITIES.keys() == set(Severity)
    assert ACTIONS.keys() == set(Action)
    assert len({speak.label_name(label) for label in Label}) == len(Label)
    assert len({speak.action_name(action) for action in Action}) == len(Action)
    assert len({speak.language_name(code) for code in Language}) == len(Language)
    assert speak.tier_name(0) != speak.tier_name(4)
    assert speak.severity_name(0) != speak.severity_name(4)


def test_time_zones_begin_with_the_plain_one() -> None:
    """And leave out those that name no place."""
    assert time_zones()[0] == "UTC"
    assert "Europe/Istanbul" in time_zones()
    assert not any(name.startswith("Etc/") for name in time_zones())


def test_what_is_filled_in_is_escaped() -> None:
    """A translation is ours, its values are not."""
    made = environment(Language.EN).from_string('{{ _("To %(who)s", who=name) }}{{ name }}')
    assert made.render(name="<b>") == "To &lt;b&gt;&lt;b&gt;"


@pytest.mark.parametrize(("n", "written"), [(1, "1 case"), (2, "2 cases"), (0, "0 cases")])
def test_the_count_chooses_the_form(n: int, written: str) -> None:
    """It is filled in without being named again."""
    made = environment(Language.EN).from_string(
        '{{ ngettext("%(n)d case", "%(n)d cases", count) }}'
    )
    assert made.render(count=n) == written


def test_files_are_named_by_what_they_hold(stranger: Person) -> None:
    """With the right name they are kept for good; with an old one they are asked for again."""
    answer = stranger.get(static("console.css"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.content == ASSETS["console.css"].content
    old = stranger.get("/console/static/console.css?v=0")
    assert old.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["nothing.css", "htmx.LICENSE", "..%2fframe.py", "%2e%2e/frame.py"]
)
def test_only_the_consoles_own_files_are_sent(stranger: Person, name: str) -> None:
    """No path leads out of the folder."""
    assert stranger.get(f"/console/static/{name}").status_code == 404
