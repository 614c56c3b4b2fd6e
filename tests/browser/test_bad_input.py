"""Item texts that try to be more than text, and addresses that lead elsewhere."""

from urllib.parse import quote, urlsplit

import pytest

from tests.browser.desk import PASSWORD
from tests.browser.pages import PHONE, claim, overflow, send_sign_in

RLO, PDF, RLI, FSI = "\u202e", "\u202c", "\u2067", "\u2068"
ZERO_WIDTH = "\u200b"
SCRIPTS = {
    "script": "<script>document.title = 'taken'; window.taken = 1</script>",
    "handler": "<img src=x onerror=\"window.taken = 1\"><svg onload='window.taken = 1'>",
    "attribute": '" autofocus onfocus="window.taken = 1" x=\'',
    "link": "[win](javascript:window.taken=1) javascript:window.taken=1",
    "closing": "</textarea></div></main></body><script>window.taken = 1</script>",
    "template": "{{ 7 * 6 }} {% raw %} ${7 * 6} %(csrf)s",
    "htmx": "<div hx-get='/console/queues' hx-trigger='load'>hx</div>",
}
LAYOUTS = {
    "one word": "a" * 20_000,
    "one address": "http://long.example/" + "path/" * 2_000,
    "lines": "line\n" * 5_000,
    "letters without spaces": "가" * 20_000,
    "stacked marks": "z" + "\u0301" * 3_000,
    "as long as allowed": ("All work and no play. " * 5_000)[:100_000],
}
expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_markup_in_a_text_is_text(desk, anna, text) -> None:
    """What looks like a script, a link or a template is shown as written, and does nothing."""
    context = [{"relation": "parent", "text": text}]
    receipt = desk.report(text, context=context, author_ref=text[:50], language_hint="en")
    claim(anna, receipt["queue"])
    assert "".join(shown_text(anna).split()) == "".join(text.split())
    assert anna.evaluate("() => window.taken") is None
    assert anna.title() != "taken"
    assert anna.locator("#item-text a, #item-text img, #item-text svg").count() == 0
    assert anna.locator("[href^='javascript:' i], [src^='javascript:' i]").count() == 0


def test_signs_that_turn_or_hide_a_text_are_named(desk, anna) -> None:
    """Overrides, isolates and what is not seen are shown by their code points, without effect."""
    text = f"pay {RLO}ton{PDF} now {RLI}x {FSI}y and do{ZERO_WIDTH}not wait"
    claim(anna, desk.report(text, language_hint="en")["queue"])
    shown = shown_text(anna)
    assert not set(shown) & {RLO, PDF, RLI, FSI, ZERO_WIDTH}
    for code in ("202E", "202C", "2067", "2068", "200B"):
        assert code in shown.upper()


def test_a_text_from_right_to_left_does_not_turn_the_page(desk, anna) -> None:
    """Only the text itself runs from right to left."""
    claim(anna, desk.report("هذا نص عادي عن الطقس اليوم", language_hint="en")["queue"])
    assert anna.evaluate("() => getComputedStyle(document.body).direction") == "ltr"
    expect(anna.locator("h1")).to_be_visible()


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_a_text_stays_within_a_phone(desk, open_page, text) -> None:
    """However long words, lines and texts are, nothing sticks out of a window of 360 pixels."""
    page = open_page("anna", viewport=PHONE)
    claim(page, desk.report(text, language_hint="en")["queue"])
    assert overflow(page) <= 0
    expect(page.locator("form[action$='/decide'] button").first).to_be_attached()


@pytest.mark.parametrize(
    "wanted",
    [
        "//other.test/",
        "https://other.test/",
        "/\\other.test",
        "/console/../v1/queues",
        "javascript:alert(1)",
        "/console/%0d%0aSet-Cookie:x=1",
    ],
)
def test_signing_in_leads_to_no_other_place(desk, open_page, wanted) -> None:
    """An address to go on to that is no page of the console is left aside."""
    page = open_page()
    page.goto(f"/console/sign-in?next={quote(wanted, safe='')}")
    send_sign_in(page, "anna", PASSWORD)
    page.wait_for_url("**/console/queues")
    assert page.url.startswith(desk.url)


@pytest.mark.parametrize(
    "path",
    ["/console/cases/not-a-case", "/console/cases/00000000-0000-4000-8000-000000000000",
     "/console/nowhere", "/console/queues?empty=%3Cscript%3E", "/console/static/../settings.py"],
)  # fmt: skip
def test_an_address_that_means_nothing_has_a_page(anna, watch, path) -> None:
    """A wrong address is answered with a page that leads back, and shows none of it as markup."""
    watch.expect_status(404, 405, 422)
    anna.goto(path)
    if urlsplit(anna.url).path.startswith("/console/"):
        expect(anna.locator("h1")).to_be_visible()
        expect(anna.locator("a[href='/console'], a[href='/console/queues']").first).to_be_visible()
    assert anna.locator("main script").count() == 0


@pytest.mark.parametrize(
    "entered",
    [
        {"action": "burn_it_down"},
        {"action": "remove_content", "label": "harassment"},
        {"action": "remove_content", "label": "harassment", "severity.harassment": "S9"},
        {"label": "nonsense", "action": ""},
        {"action": "no_action", "facts": "x" * 5_001},
        {},
    ],
    ids=["action", "no severity", "severity", "label", "facts", "nothing"],
)
def test_a_form_nobody_could_fill_in_is_refused(desk, anna, watch, entered) -> None:
    """Values that the page does not offer are answered with the form, and decide nothing."""
    case_id = claim(anna, desk.report()["queue"])
    held = anna.locator("form[action$='/decide'] input[name=claim_id]").get_attribute("value")
    token = anna.locator("meta[name=csrf-token]").get_attribute("content")
    answer = anna.request.post(
        f"/console/cases/{case_id}/decide", form={"csrf": token, "claim_id": held, **entered}
    )
    assert answer.status == 422
    assert desk.case(case_id)["state"] == "claimed"


def shown_text(page) -> str:
    """Read the item's text as the page has it, revealed or not."""
    text: str = page.locator("#item-text").text_content()
    return text
