"""How the console speaks to a person, and what they ask not to be given."""

from itertools import groupby

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.console.frame import redirect, render
from serving.console.i18n import locale_of, time_zones
from serving.console.session import SignedIn, first, form
from serving.dependencies import service_of
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Label, Language
from triage_ml.errors import InvalidInput

URL = "/console/preferences"

router = APIRouter(include_in_schema=False)


@router.get(URL)
async def show(request: Request, who: SignedIn) -> Response:
    return render(
        request,
        "preferences.html",
        who=who,
        saved="saved" in request.query_params,
        languages=[(language.value, _own_name(language)) for language in SUPPORTED_LANGUAGES],
        zones=_by_region(who.time_zone),
        labels=list(Label),
    )


@router.post(URL)
async def save(request: Request, who: SignedIn) -> Response:
    fields = await form(request)
    try:
        language = Language(first(fields, "locale"))
        labels = frozenset(Label(name) for name in fields.get("excluded_labels", []))
    except ValueError:
        raise InvalidInput("preferences", "must be among those offered") from None
    await service_of(request).accounts.prefer(
        who, locale=language, time_zone=first(fields, "time_zone"), excluded_labels=labels
    )
    return redirect(f"{URL}?saved=1")


def _own_name(language: Language) -> str:
    """Name a language in itself: who cannot read the page's still finds theirs."""
    name = locale_of(language).get_display_name() or language.value
    return name[:1].upper() + name[1:]


def _by_region(current: str) -> list[tuple[str, list[str]]]:
    """Group the time zones by their first part; the one in use is always among them."""
    names = time_zones()
    if current not in names:
        names = tuple(sorted((*names, current)))
    return [
        (region, list(rows)) for region, rows in groupby(names, lambda name: name.partition("/")[0])
    ]
