"""The page of what is chosen to learn from, in a browser."""

import pytest

from tests.browser.learning import pick_some
from tests.browser.pages import PHONE, controls, overflow, sign_in, tab_through, violations

PATH = "/console/labelling"


@pytest.fixture(scope="module")
def learner(running_desk) -> str:
    """An account that sees the page."""
    running_desk.add_account("mila", "Mila Lang", "review", "ml")
    return "mila"


@pytest.fixture
def page(desk, open_page, learner):
    """The page with numbers in both tables."""
    pick_some(desk)
    opened = open_page(reduced_motion="reduce")
    sign_in(opened, learner, PATH)
    return opened


def test_axe_finds_no_violation_and_nothing_sticks_out(page) -> None:
    """In either scheme, wide and on a phone."""
    assert page.locator("table").count() == 2
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme
    page.set_viewport_size(PHONE)
    assert violations(page) == []
    assert overflow(page) <= 0


def test_the_keyboard_reaches_every_control(page) -> None:
    """With a mark that shows where one is."""
    wanted, steps = controls(page), tab_through(page)
    assert wanted - {step["name"] for step in steps} == set()
    assert [step["name"] for step in steps if not step["ring"]] == []
