"""Who may do what from which page: sessions, forged forms, tabs, and other people's cases."""

import re

import pytest

from tests.browser.desk import PASSWORD
from tests.browser.pages import case_of, claim, csrf_of, send_sign_in, sign_in

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
DONE = re.compile(r"/console/queues\?.*done=")
STEPS = ("decide", "release", "hold", "escalate", "take")


def end_by_clock(desk, page) -> None:
    assert desk.sql("UPDATE account_session SET expires_at = now() - interval '1 second'") > 0


def end_by_idling(desk, page) -> None:
    assert desk.sql("UPDATE account_session SET seen_at = now() - interval '1 day'") > 0


def end_by_lost_cookie(desk, page) -> None:
    page.context.clear_cookies()


def held_claim(page) -> str:
    found: str = page.locator("input[name=claim_id]").first.get_attribute("value")
    return found


@pytest.mark.parametrize("end", [end_by_clock, end_by_idling, end_by_lost_cookie])
def test_an_ended_session_leads_to_the_sign_in_and_back(desk, anna, end) -> None:
    """Who comes back after a break signs in and is where they were."""
    case_id = claim(anna, desk.report()["queue"])
    end(desk, anna)
    anna.reload()
    expect(anna.locator("#password")).to_be_visible()
    send_sign_in(anna, "anna", PASSWORD)
    anna.wait_for_url(f"**/console/cases/{case_id}*")
    expect(anna.locator("form[action$='/decide']")).to_be_attached()


def test_the_session_is_out_of_reach_of_scripts(desk, anna) -> None:
    """The cookie is HttpOnly, for the console alone, and sent by no other site's form."""
    (cookie,) = [row for row in anna.context.cookies() if row["name"].endswith("triage_session")]
    assert cookie["httpOnly"]
    assert (cookie["sameSite"], cookie["path"]) == ("Lax", "/console")
    assert "triage" not in anna.evaluate("() => document.cookie")


def test_signing_out_ends_the_session_everywhere(desk, anna) -> None:
    """Another tab, and whoever kept the cookie, are out as well."""
    tab, kept = anna.context.new_page(), anna.context.cookies()
    tab.goto("/console/queues")
    anna.locator("form[action='/console/sign-out'] button").click()
    expect(anna.locator("#note")).to_be_visible()
    anna.context.add_cookies(kept)
    tab.reload()
    expect(tab.locator("#password")).to_be_visible()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("token", ["", "0" * 64, "another session's"])
def test_a_forged_form_changes_nothing(desk, anna, open_page, step, token) -> None:
    """Without this session's token every step is answered 403, and the case stays as it is."""
    case_id = claim(anna, desk.report()["queue"])
    given = csrf_of(open_page("ben")) if token.startswith("another") else token
    before = desk.case(case_id)
    sent = {"csrf": given, "claim_id": held_claim(anna), "action": "no_action", "owner": "ben",
            "reason": "forged"}  # fmt: skip
    answer = anna.request.post(f"/console/cases/{case_id}/{step}", form=sent)
    assert answer.status == 403
    assert desk.case(case_id) == before


@pytest.mark.parametrize("path", ["/console/preferences", "/console/queues/std-en-safety/next",
                                  "/console/sign-out"])  # fmt: skip
def test_every_form_needs_its_token(desk, anna, path) -> None:
    """Preferences, claims and signing out cannot be forged either."""
    desk.report()
    sent = {"csrf": "0" * 64, "locale": "de", "time_zone": "UTC"}
    assert anna.request.post(path, form=sent).status == 403
    anna.reload()
    expect(anna.locator("html")).to_have_attribute("lang", "en")
    states = [row["n_claimed"] for row in desk.api.get("/v1/queues").json()["queues"]]
    assert sum(states) == 0


def test_a_form_on_another_site_does_nothing(desk, anna, watch) -> None:
    """Another site can send a form here, but without the session."""
    watch.expect_status(401, 403)
    lure = (
        f"<form method=post action='{desk.url}/console/preferences'><input name=locale value=de>"
        "<input name=time_zone value=UTC><button>Win</button></form>"
    )
    anna.context.route(
        "http://other.test/", lambda route: route.fulfill(body=lure, content_type="text/html")
    )
    anna.goto("http://other.test/")
    anna.locator("button").click()
    anna.wait_for_url(f"{desk.url}/**")
    anna.goto("/console/queues")
    expect(anna.locator("html")).to_have_attribute("lang", "en")
    assert {url.split("?")[0] for url in watch.outside} == {"http://other.test/"}
    watch.outside.clear()


def test_two_tabs_on_one_case_decide_it_once(desk, anna, watch) -> None:
    """The second tab is told that the case has moved on, and what was entered is still there."""
    watch.expect_status(409, 410)
    case_id = claim(anna, desk.report()["queue"])
    tab = anna.context.new_page()
    tab.goto(f"/console/cases/{case_id}")
    decide_at_once(anna)
    anna.wait_for_url(DONE)
    explanation = "Written in the other tab."
    tab.locator("[name=explanation]").fill(explanation)
    decide_at_once(tab)
    expect(tab.locator("#kept-explanation")).to_have_value(explanation)
    assert desk.steps(case_id).count("decided") == 1
    assert desk.case(case_id)["decision"]["explanation"] != explanation


def test_going_back_after_a_decision_shows_the_case_as_it_is(desk, anna) -> None:
    """The page before is asked for again: without the form, with the decision."""
    case_id = claim(anna, desk.report()["queue"])
    decide_at_once(anna)
    anna.wait_for_url(DONE)
    anna.go_back()
    anna.wait_for_url(f"**/console/cases/{case_id}*")
    expect(anna.locator("form[action$='/decide']")).to_have_count(0)
    assert desk.steps(case_id).count("decided") == 1


def test_a_case_belongs_to_who_holds_it(desk, anna, open_page) -> None:
    """Others can read it, but get no form, and cannot use the claim they do not hold."""
    case_id = claim(anna, desk.report()["queue"])
    other = open_page()
    sign_in(other, "ben", f"/console/cases/{case_id}")
    expect(other.locator("form[action$='/decide']")).to_have_count(0)
    sent = {"csrf": csrf_of(other), "claim_id": held_claim(anna), "action": "no_action"}
    assert other.request.post(f"/console/cases/{case_id}/decide", form=sent).status == 410
    assert desk.case(case_id)["state"] == "claimed"


def test_a_restricted_case_is_not_there_for_others(desk, open_page, watch) -> None:
    """Without the scope neither its queue nor the case itself can be seen."""
    watch.expect_status(403, 404)
    receipt = desk.report("Is this page meant for small children?", "child_safety")
    lea, anna = open_page("lea"), open_page("anna")
    queue = f"form[action='/console/queues/{receipt['queue']}/next']"
    expect(lea.locator(queue)).not_to_have_count(0)
    expect(anna.locator(queue)).to_have_count(0)
    assert claim(lea, receipt["queue"]) == receipt["case_id"]
    answer = anna.goto(f"/console/cases/{receipt['case_id']}")
    assert answer.status in (403, 404)
    assert "small children" not in anna.content()


@pytest.mark.parametrize("path", ["/console/queues", "/console/preferences", "case"])
def test_pages_are_kept_by_nobody(desk, anna, path) -> None:
    """Every page says what the browser has to refuse, and is stored nowhere."""
    if path == "case":
        path = f"/console/cases/{claim(anna, desk.report()['queue'])}"
    headers = anna.goto(path).headers
    assert "no-store" in headers["cache-control"]
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert anna.locator("style, script:not([src]), [onclick], [onsubmit]").count() == 0


def test_nothing_is_fetched_from_elsewhere(desk, anna, watch) -> None:
    """A whole round through the console asks this service alone, for items with addresses too."""
    queue = desk.report("See http://prize.example/a.png and https://cdn.example/x.js")["queue"]
    claim(anna, queue)
    assert case_of(anna)
    anna.goto("/console/preferences")
    anna.goto("/console/queues")
    assert watch.outside == []
    assert len(watch.requests) > 5


def decide_at_once(page) -> None:
    """Decide that nothing is to be done, and do not wait for the time to undo it."""
    form = page.locator("form[action$='/decide']")
    form.locator("[name=action][value=no_action]").check()
    form.evaluate("form => HTMLFormElement.prototype.submit.call(form)")
