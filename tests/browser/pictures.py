"""Take pictures of every page of the console: python -m tests.browser.pictures --out docs/console

A service of its own is started in a temporary folder, with reports written for this. Each page is
taken in English and Turkish, light and dark, and once as an English phone shows it.
"""

import argparse
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from tests.browser.desk import REPORTS, Desk, browser_options, browser_path, running
from tests.browser.learning import compare, count_days, decide_some, drift, erase, pick_some
from tests.browser.pages import PHONE, WIDE, claim, sign_in
from triage_ml.storage.embedded import EmbeddedServer

MAX_HEIGHT = 1800  # pixels of a page; what lies below is more of the same
LANGUAGES = ("en", "tr")
SCHEMES = ("light", "dark")
THREAD = [{"relation": "parent", "text": "The match on Sunday was great, see you all next week!"}]
INSULTS = {
    "en": "You are a pathetic loser and everybody in this group knows it. Just leave.",
    "tr": "Sen gerçekten aptalsın, burada kimse seni istemiyor, git artık.",
}
SCENES = {
    "en": "The film shows the whole accident, scene by scene.",
    "tr": "Film bütün kazayı sahne sahne gösteriyor.",
}
View = Callable[[Desk, Any, str], None]


def sign_in_page(desk: Desk, page: Any, language: str) -> None:
    page.context.clear_cookies()
    page.goto("/console/sign-in")


def queues(desk: Desk, page: Any, language: str) -> None:
    for text, reason in REPORTS:
        desk.report(text, reason)
    desk.report("An office asks for this within a day.", "harassment", high_profile=True)
    page.goto("/console/queues")


def preferences(desk: Desk, page: Any, language: str) -> None:
    page.goto("/console/preferences")


def review(desk: Desk, page: Any, language: str) -> None:
    receipt = desk.report(INSULTS[language], context=THREAD, views_per_hour=240)
    claim(page, receipt["queue"])


def hidden(desk: Desk, page: Any, language: str) -> None:
    claim(page, desk.report(SCENES[language], "graphic_violence")["queue"])


def sending(desk: Desk, page: Any, language: str) -> None:
    review(desk, page, language)
    page.locator("#decision [name=action][value=no_action]").check()
    page.keyboard.press("Control+Enter")
    page.locator("#undo").wait_for()


def keys(desk: Desk, page: Any, language: str) -> None:
    review(desk, page, language)
    page.keyboard.press("?")
    page.locator("#keys").wait_for()


def escalate(desk: Desk, page: Any, language: str) -> None:
    review(desk, page, language)
    page.keyboard.press("e")
    page.locator("#escalate").wait_for()


def blind(desk: Desk, page: Any, language: str) -> None:
    review(desk, page, language)
    desk.blind(page.url.rpartition("/")[2])
    page.reload()
    page.locator("#withheld").wait_for()


def hold(desk: Desk, page: Any, language: str) -> None:
    review(desk, page, language)
    page.keyboard.press("h")
    page.locator("#hold-reason").wait_for()


def mine(desk: Desk, page: Any, language: str) -> None:
    handed = desk.report(SCENES[language], "graphic_violence")
    desk.escalate(handed["case_id"], "ayla")
    hold(desk, page, language)
    page.locator("#hold-reason").fill("A colleague translates it.")
    page.locator("#hold button").click()
    page.wait_for_url("**/console/mine?held=*")


def decided(desk: Desk, page: Any, language: str) -> None:
    review(desk, page, language)
    form = page.locator("#decision")
    form.locator("[name=label][value=harassment]").check()
    form.locator("[name='severity.harassment']").select_option("S2")
    form.locator("[name=action][value=remove_content]").check()
    form.locator("[name=explanation]").fill("It insults a member of the group (policy 1.2).")
    form.locator("[name=next]").uncheck()
    page.keyboard.press("Control+Enter")
    page.locator("#send-now").click()
    page.locator("#decided-title").wait_for()


def care(desk: Desk, page: Any, language: str) -> None:
    for hours, points in ((1, 12), (2, 55), (26, 40), (75, 130)):
        desk.note_exposure("ayla", points, hours)
    page.goto("/console/care")


def proposed_break(desk: Desk, page: Any, language: str) -> None:
    page.goto("/console/break?queue=std-en-safety")


def care_group(desk: Desk, page: Any, language: str) -> None:
    page.goto("/console/care/group")


def trends(desk: Desk, page: Any, language: str) -> None:
    count_days(desk)
    page.goto("/console/trends")
    page.locator("#chart-reports[data-drawn]").wait_for()


def trend_cases(desk: Desk, page: Any, language: str) -> None:
    for text, reason in REPORTS:
        desk.report(text, reason)
    page.goto("/console/trends/cases")


def leads(desk: Desk, page: Any, language: str) -> None:
    review(desk, page, language)
    page.goto("/console/leads")


def reassign(desk: Desk, page: Any, language: str) -> None:
    leads(desk, page, language)
    page.locator("table.held a[href*='/claims/']").click()
    page.locator("#owner").wait_for()


def golden(desk: Desk, page: Any, language: str) -> None:
    decided(desk, page, language)
    page.goto(f"/console/leads/golden/{_case_of(page)}")


def leads_quality(desk: Desk, page: Any, language: str) -> None:
    golden(desk, page, language)
    page.locator("#note").fill("A taunt at a member of the group.")
    page.locator("section.decide button").click()
    page.wait_for_url("**/console/leads/quality?saved=1")


def measures(desk: Desk, page: Any, language: str) -> None:
    decided(desk, page, language)
    page.goto("/console/leads/measures")


def second_look(desk: Desk, page: Any, language: str) -> None:
    """Of a case that somebody else decided."""
    page.context.clear_cookies()
    sign_in(page, "mila")
    decided(desk, page, language)
    desk.sql("UPDATE claim SET drawn_at_random = true")  # such a decision is looked at again
    page.context.clear_cookies()
    sign_in(page, "ayla", "/console/quality")
    page.locator("main form button").click()
    page.locator("#judge-title").wait_for()


def _as_keeper(desk: Desk, page: Any, language: str, path: str = "/console/queues") -> None:
    """Go on as somebody with every scope, so that the whole navigation is seen."""
    desk.prefer("ida", language)
    page.context.clear_cookies()
    sign_in(page, "ida", path)


def means(desk: Desk, page: Any, language: str) -> None:
    decide_some(desk)
    _as_keeper(desk, page, language, "/console/means")
    page.locator("#chart-precision[data-drawn]").wait_for()


def labelling(desk: Desk, page: Any, language: str) -> None:
    decide_some(desk)
    pick_some(desk)
    _as_keeper(desk, page, language, "/console/labelling")


def drifted(desk: Desk, page: Any, language: str) -> None:
    drift(desk)
    _as_keeper(desk, page, language, "/console/drift")
    page.goto("/console/drift?language=tr")
    page.locator("#chart-length canvas").first.wait_for()


def models(desk: Desk, page: Any, language: str) -> None:
    compare(desk)
    _as_keeper(desk, page, language, "/console/models")


def comparison(desk: Desk, page: Any, language: str) -> None:
    path = compare(desk)
    _as_keeper(desk, page, language, path)


def score_history(desk: Desk, page: Any, language: str) -> None:
    receipt = desk.report(INSULTS[language], context=THREAD)
    _as_keeper(desk, page, language)
    claim(page, receipt["queue"])
    page.locator("#score-history-title").wait_for()


def erased(desk: Desk, page: Any, language: str) -> None:
    score_history(desk, page, language)
    erase(desk, _case_of(page))
    page.reload()


def _case_of(page: Any) -> str:
    return str(page.url).rpartition("/")[2].partition("?")[0]


def not_found(desk: Desk, page: Any, language: str) -> None:
    page.goto("/console/cases/00000000-0000-4000-8000-000000000000")


VIEWS: dict[str, View] = {
    "sign-in": sign_in_page,
    "queues": queues,
    "preferences": preferences,
    "review": review,
    "hidden-text": hidden,
    "sending": sending,
    "keys": keys,
    "hold": hold,
    "escalate": escalate,
    "blind": blind,
    "mine": mine,
    "decided": decided,
    "care": care,
    "break": proposed_break,
    "care-group": care_group,
    "trends": trends,
    "trend-cases": trend_cases,
    "leads": leads,
    "reassign": reassign,
    "golden": golden,
    "leads-quality": leads_quality,
    "measures": measures,
    "second-look": second_look,
    "means": means,
    "drift": drifted,
    "models": models,
    "comparison": comparison,
    "labelling": labelling,
    "score-history": score_history,
    "erased": erased,
    "not-found": not_found,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Take pictures of every page of the console.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--only", choices=VIEWS, action="append", help="page to take; all")
    chosen = parser.parse_args()
    if browser_path() is None:
        parser.error("no Chromium: install one, or name its program in TRIAGE_TEST_BROWSER")
    chosen.out.mkdir(parents=True, exist_ok=True)
    with _service() as desk, _browser() as browser:
        for name in chosen.only or VIEWS:
            for language, scheme in itertools.product(LANGUAGES, SCHEMES):
                target = chosen.out / f"{name}-{language}-{scheme}.png"
                _take(desk, browser, VIEWS[name], target, language, scheme, WIDE)
            target = chosen.out / f"{name}-phone.png"
            _take(desk, browser, VIEWS[name], target, "en", "light", PHONE)


def _take(
    desk: Desk,
    browser: Any,
    view: View,
    target: Path,
    language: str,
    scheme: str,
    viewport: dict[str, int],
) -> None:
    desk.clear()
    desk.prefer("ayla", language)
    context = browser.new_context(
        base_url=desk.url,
        viewport=viewport,
        color_scheme=scheme,
        locale=language,
        timezone_id="UTC",
        reduced_motion="reduce",
    )
    page = context.new_page()
    sign_in(page, "ayla")
    view(desk, page, language)
    height = page.evaluate("() => document.documentElement.scrollHeight")
    if page.locator("dialog[open]").count() == 0:  # a dialog stands in the middle of the window
        page.set_viewport_size({**viewport, "height": min(max(height, 400), MAX_HEIGHT)})
    # The page's own policy refuses the style that would hide the caret.
    taken = Image.open(BytesIO(page.screenshot(caret="initial")))
    taken.quantize(96, dither=Image.Dither.NONE).save(target, optimize=True)  # a third of the size
    context.close()


@contextmanager
def _service() -> Iterator[Desk]:
    with (
        tempfile.TemporaryDirectory(prefix="triage-pictures-", ignore_cleanup_errors=True) as name,
        EmbeddedServer(Path(name) / "postgres") as server,
        running(server.url, Path(name)) as desk,
    ):
        desk.add_account("ayla", "Ayla A.", "review", "lead")
        desk.add_account("mila", "Mila M.", "review")
        desk.add_account("ida", "Ida I.", "review", "lead", "ml", "restricted", "admin")
        yield desk


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**browser_options())
        yield browser
        browser.close()


if __name__ == "__main__":
    main()
