"""A comparison as a page that needs nothing but itself; nothing restricted is in it."""

from datetime import UTC

from serving.console.frame import environment
from serving.console.i18n import Voice
from triage_ml.domain.comparison import Comparison
from triage_ml.domain.taxonomy import Language


def as_html(made: Comparison) -> bytes:
    """Write it in English, times in UTC."""
    voice = Voice(Language.EN, UTC, made.at)
    page = environment(Language.EN).get_template("models_file.html")
    return page.render(
        found=made.for_everybody(),
        opens_cases=False,
        sees_restricted=False,
        locale=Language.EN.value,
        when=lambda at: f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        number=voice.number,
        percent=voice.percent,
        language_name=voice.language_name,
        label_name=voice.label_name,
    ).encode()
