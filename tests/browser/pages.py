"""What a reviewer does on the pages, and what can be seen of a page from outside."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.browser.desk import PASSWORD

AXE = Path(__file__).with_name("vendor") / "axe.min.js"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
MAX_TABS = 400
WIDE = {"width": 1280, "height": 800}
ZOOMED = {"width": 640, "height": 400}  # what 200 % leave of it
PHONE = {"width": 360, "height": 740}


@dataclass
class Watch:
    """What the pages of a test asked for, and what the browser complained about."""

    origin: str
    requests: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    _complaints: list[str] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)

    def follow(self, context: Any) -> None:
        context.on("request", lambda request: self._asked(request.url))
        context.on("console", self._said)
        context.on("weberror", lambda error: self._complaints.append(str(error.error)))

    def expect_status(self, *statuses: int) -> None:
        """Let the browser say that an answer had such a status; the test is about that."""
        self._expected += [f"status of {status} " for status in statuses]

    def complaints(self) -> list[str]:
        return [
            line for line in self._complaints if not any(part in line for part in self._expected)
        ]

    def _asked(self, url: str) -> None:
        self.requests.append(url)
        parts = urlsplit(url)
        inside = f"{parts.scheme}://{parts.netloc}" == self.origin
        if not inside and parts.scheme not in ("data", "blob", "about"):
            self.outside.append(url)

    def _said(self, message: Any) -> None:
        if message.type == "error":  # a violation of the content security policy is one, too
            self._complaints.append(message.text)


def sign_in(page: Any, name: str, path: str = "/console/queues") -> None:
    """Ask for a page and sign in on the way to it."""
    page.goto(path)
    send_sign_in(page, name, PASSWORD)
    page.wait_for_url(lambda url: urlsplit(url).path == urlsplit(path).path)


def send_sign_in(page: Any, name: str, password: str) -> None:
    """Fill the form of the sign-in page and send it as a keyboard does."""
    page.locator("#name").fill(name)
    page.locator("#password").fill(password)
    page.locator("#password").press("Enter")


def claim(page: Any, queue: str) -> str:
    """Take the next case of a queue with the mouse, and give its case_id."""
    if urlsplit(page.url).path != "/console/queues":
        page.goto("/console/queues")
    page.locator(f"form[action='/console/queues/{queue}/next'] button").first.click()
    page.wait_for_url("**/console/cases/*")
    return case_of(page)


def case_of(page: Any) -> str:
    """Give the case_id in the page's address."""
    return urlsplit(page.url).path.rpartition("/")[2]


def csrf_of(page: Any) -> str:
    """Give the token that forms of this page carry."""
    token: str = page.locator("meta[name=csrf-token]").get_attribute("content")
    return token


def violations(page: Any) -> list[str]:
    """Ask axe-core what keeps people from using a page: rules of WCAG 2.2 A and AA."""
    # Evaluated, not inserted: the page's own policy refuses a script tag, as it should.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        """tags => axe.run(document, {
            runOnly: {type: "tag", values: tags}, resultTypes: ["violations"], preload: false,
        })""",
        list(WCAG),
    )
    return [
        f"{row['id']}: {row['help']}: {node['html'][:200]}"
        for row in found["violations"]
        for node in row["nodes"]
    ]


def overflow(page: Any) -> int:
    """Measure by how many pixels the page is wider than its window."""
    width: int = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width


def controls(page: Any) -> set[str]:
    """Name every control that the tab key should reach; of a group of radio buttons, the group."""
    return set(page.evaluate(f"() => {{ {_NAMING} return [...document.querySelectorAll(REACHED)]"
                             ".filter(usable).map(named); }"))  # fmt: skip


def tab_through(page: Any) -> list[dict[str, Any]]:
    """Press Tab from the top until the focus leaves the page; say where it was and if it showed."""
    page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0); }")
    steps: list[dict[str, Any]] = []
    while len(steps) < MAX_TABS:
        page.keyboard.press("Tab")
        step = page.evaluate(f"() => {{ {_NAMING} return focused(); }}")
        if step is None or (steps and step["place"] == steps[0]["place"]):
            break
        steps.append(step)
    return steps


_NAMING = """
const REACHED = "a[href], button, input, select, textarea, summary, [tabindex='0']";
const usable = e => !e.disabled && e.type !== "hidden" && e.tabIndex >= 0
    && e.checkVisibility({visibilityProperty: true})
    && !e.closest("[inert]")
    && (e.tagName !== "SUMMARY" || e === e.parentElement.querySelector("summary"));
const place = e => [...document.querySelectorAll("*")].indexOf(e);
const named = e => e.type === "radio" ? `radio ${e.name}`
    : `${place(e)} ${e.tagName} ${e.id || e.name || e.textContent.trim().slice(0, 30)}`;
const ringed = e => {
    const s = getComputedStyle(e);
    const outlined = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1;
    return outlined || s.boxShadow !== "none";
};
const inside = e => {
    const box = e.getBoundingClientRect();
    return box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
};
const focused = () => {
    const e = document.activeElement;
    if (!e || e === document.body || e === document.documentElement) return null;
    const carriers = [e, e.parentElement, ...(e.labels || [])];
    return {place: place(e), name: named(e), ring: carriers.some(ringed), inside: inside(e)};
};
"""
