"""Pages and fragments: what every template is given, and how it becomes an answer."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from serving.console.assets import static
from serving.console.i18n import Voice, accepted_language, lazy, translations, zone_of
from serving.console.session import HOME, account_of, csrf_token
from serving.dependencies import service_of
from triage_ml.domain.account import LEAD, Account
from triage_ml.domain.taxonomy import Language

TEMPLATES = Path(__file__).with_name("templates")
_l = lazy


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation; with `scopes` for those who have one of them, or `admin`."""

    path: str
    title: str
    scopes: frozenset[str] = frozenset()

    def is_for(self, account: Account) -> bool:
        return not self.scopes or bool(account.scopes & {*self.scopes, "admin"})


NAV = (
    Place("/console/queues", _l("Queues"), frozenset({"review"})),
    Place("/console/mine", _l("My cases"), frozenset({"review"})),
    Place("/console/quality", _l("Second look"), frozenset({"review"})),
    Place("/console/trends", _l("Trends"), frozenset({"review", LEAD})),
    Place("/console/means", _l("Automated means"), frozenset({"ml", LEAD})),
    Place("/console/drift", _l("Drift"), frozenset({"ml", LEAD})),
    Place("/console/leads", _l("Team"), frozenset({LEAD})),
    Place("/console/models", _l("Models"), frozenset({"ml", LEAD})),
    Place("/console/labelling", _l("Labelling"), frozenset({"ml"})),
    Place("/console/care", _l("Care")),
    Place("/console/preferences", _l("Preferences")),
)


def places_of(account: Account) -> list[Place]:
    return [place for place in NAV if place.is_for(account)]


def way_on(account: Account, wanted: str) -> str:
    """Give where a sign-in leads: to what was wanted, or to the account's first page."""
    return places_of(account)[0].path if wanted == HOME else wanted


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Answer with a page, or for htmx with a piece of one: a template that stands alone."""
    return HTMLResponse(text(request, template, **values), status)


def redirect(path: str) -> RedirectResponse:
    """Send the browser on with GET, after whatever method it came with."""
    return RedirectResponse(path, status_code=303)


def voice_of(request: Request) -> Voice:
    """Speak as the account prefers; before sign-in as the browser asks."""
    account = account_of(request)
    now = service_of(request).clock.now()
    if account is not None:
        return Voice(account.locale, zone_of(account.time_zone), now)
    language = accepted_language(request.headers.get("accept-language", ""))
    return Voice(language, zone_of("UTC"), now)


def text(request: Request, template: str, **values: Any) -> str:
    """Give the HTML of a template, as a piece of a page for an event of a stream."""
    voice = voice_of(request)
    account = account_of(request)
    given: dict[str, Any] = {
        "account": account,
        "csrf": csrf_token(request),
        "locale": voice.language.value,
        "nav": places_of(account) if account else [],
        "opens_cases": account is not None and account.can_review,
        "path": request.url.path,
        "when": voice.when,
        "day": voice.day,
        "day_name": voice.day_name,
        "ago": voice.ago,
        "number": voice.number,
        "percent": voice.percent,
        "share": voice.share,
        "duration": voice.duration,
        "language_name": voice.language_name,
        "language_or_all": voice.language_or_all,
        "label_name": voice.label_name,
        "label_or_any": voice.label_or_any,
        "tier_name": voice.tier_name,
        "severity_name": voice.severity_name,
        "action_name": voice.action_name,
    }
    return environment(voice.language).get_template(template).render({**given, **values})


@cache
def environment(language: Language) -> Environment:
    """Make the templates of one language: its words are globals, so that macros have them too."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # For {% trans %}: it then calls the functions below with what it names.
    made.newstyle_gettext = True  # type: ignore[attr-defined]
    words = translations(language)

    @pass_context
    def gettext(context: Context, message: str, /, **variables: Any) -> str:
        return _filled(context, words.gettext(message), variables)

    @pass_context
    def ngettext(context: Context, singular: str, plural: str, n: int, /, **variables: Any) -> str:
        known = {"n": n, "num": n, **variables}
        return _filled(context, words.ngettext(singular, plural, n), known)

    made.filters["sign"] = ord  # names a sign that cannot be seen
    made.globals.update(_=gettext, gettext=gettext, ngettext=ngettext, static=static)
    return made


def _filled(context: Context, message: str, variables: dict[str, Any]) -> str:
    """Put values into a translation, escaped; the translation itself is ours."""
    text = Markup(message) if context.eval_ctx.autoescape else message  # noqa: S704
    return text % variables
