"""A service with a console, and a Chromium to look at it.

A test fails when a page asks another host for something, logs an error, or breaks its own
content security policy, whatever else the test was about.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.browser.desk import Desk, browser_options, browser_path, running
from tests.browser.pages import WIDE, Watch, sign_in


@pytest.fixture(scope="session")
def chromium() -> str:
    """Find the browser, or say what is missing."""
    pytest.importorskip("playwright", reason="playwright for Python is not installed")
    path = browser_path()
    if path is None or not os.access(path, os.X_OK):
        pytest.skip("no Chromium: install one, or name its program in TRIAGE_TEST_BROWSER")
    return path


@pytest.fixture(scope="session")
def running_desk(chromium, new_database, tmp_path_factory) -> Iterator[Desk]:
    """One service for all tests: two reviewers, one for restricted queues, one who may do all."""
    with running(new_database(), tmp_path_factory.mktemp("desk")) as desk:
        desk.add_account("anna", "Anna Ay", "review")
        desk.add_account("ben", "Ben Bo", "review")
        desk.add_account("lea", "Lea Li", "review", "restricted")
        desk.add_account("ida", "Ida Io", "review", "restricted", "lead", "ml", "admin")
        yield desk


@pytest.fixture
def desk(running_desk) -> Desk:
    """The service without a case, a session or a preference."""
    running_desk.clear()
    return running_desk


# Not for the session: while Playwright runs, its event loop holds the thread, and no async test
# of another folder could start.
@pytest.fixture(scope="module")
def browser(running_desk) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(**browser_options())
        yield found
        found.close()


@pytest.fixture
def watch(desk) -> Iterator[Watch]:
    """See what pages ask for and complain about; complaints fail the test at its end."""
    seen = Watch(desk.url)
    yield seen
    assert seen.requests, "no page was opened"
    assert seen.outside == []
    assert seen.complaints() == []


@pytest.fixture
def open_page(browser, desk, watch) -> Iterator[Callable[..., Any]]:
    """Open a page in a context of its own; signed in, if a name is given."""
    with ExitStack() as contexts:

        def make(name: str | None = None, **options: Any) -> Any:
            chosen = {"viewport": WIDE, "locale": "en-GB", "timezone_id": "UTC", **options}
            context = browser.new_context(base_url=desk.url, **chosen)
            contexts.callback(context.close)
            context.set_default_timeout(15_000)
            watch.follow(context)
            page = context.new_page()
            if name is not None:
                sign_in(page, name)
            return page

        yield make


@pytest.fixture
def anna(open_page) -> Any:
    """A page on which the reviewer Anna is signed in, at the queues."""
    return open_page("anna")
