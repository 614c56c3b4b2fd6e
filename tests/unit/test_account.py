"""An account is refused by the field that is wrong."""

from dataclasses import replace

import pytest

from tests.unit.builders import NOW
from triage_ml.domain.account import Account, is_name
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import InvalidInput

ANNA = Account("anna", "Anna A.", frozenset({"review"}), NOW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "Anna"),
        ("name", ".anna"),
        ("name", "anna\n"),
        ("name", "añna"),
        ("name", "a" * 65),
        ("display_name", ""),
        ("display_name", " Anna"),
        ("display_name", "An\nna"),
        ("display_name", "Anna\u202e"),
        ("display_name", "\u3164"),
        ("display_name", "A\x00"),
        ("display_name", "A\ud800"),
        ("display_name", "A" * 81),
        ("scopes", frozenset()),
        ("scopes", frozenset({"review", "root"})),
        ("locale", Language.UND),
        ("time_zone", ""),
        ("time_zone", "Europe"),
        ("time_zone", "Europe/Nowhere"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", "/etc/passwd"),
        ("time_zone", "UTC\x00"),
        ("time_zone", "Z" * 1000),
    ],
)
def test_a_wrong_value_names_its_field(field, value):
    """Empty, foreign, invisible, too long, and paths that would leave the time zones."""
    with pytest.raises(InvalidInput) as caught:
        replace(ANNA, **{field: value})
    assert caught.value.field == field


def test_names_and_preferences_of_five_languages_are_taken():
    """Display names are in any script."""
    for display_name in ("김민지", "Çağla Öz", "J. Müller-Weiß", "Íñigo"):
        assert replace(ANNA, display_name=display_name).display_name == display_name
    changed = replace(
        ANNA,
        name="anna.b@example-1.org",
        locale=Language.KO,
        time_zone="Asia/Seoul",
        excluded_labels=frozenset({Label.SELF_HARM}),
        scopes=frozenset({"review", "lead"}),
    )
    assert (changed.locale, changed.time_zone) == (Language.KO, "Asia/Seoul")


def test_a_name_is_known_without_an_account():
    """Whoever looks one up need not ask for what cannot be there."""
    assert is_name("a" * 64)
    assert not is_name("a" * 65)
    assert not is_name("a\x00")
