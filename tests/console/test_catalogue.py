"""Every word of the console is there in every language."""

import pytest
from babel.messages.catalog import Catalog

from serving.console.catalogue import TRANSLATED, _compare, faults, main, read, wanted
from triage_ml.domain.taxonomy import Language


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_is_whole(language: Language) -> None:
    """Nothing is lacking, left over, unsure or filled in wrongly."""
    assert faults(language) == []


def test_the_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """With its exit status, and how it is used."""
    assert main(["check"]) == 0
    assert capsys.readouterr().out == ""
    assert main([]) == 2
    assert "check|update" in capsys.readouterr().out


def test_messages_of_code_and_templates_are_found() -> None:
    """Constants, templates and counts."""
    found = {row.id for row in wanted() if row.id}
    assert {"Harassment", "Sign in", "The form is out of date"} <= found


@pytest.mark.parametrize(("language", "n"), [("de", 2), ("es", 2), ("tr", 2), ("ko", 1)])
def test_a_catalogue_has_the_plural_forms_of_its_language(language: str, n: int) -> None:
    """Korean has one."""
    assert read(Language(language)).num_plurals == n


def said(*rows: tuple[object, object], fuzzy: bool = False) -> list[str]:
    """Compare a small catalogue with code that marks `Open %(name)s` and a count."""
    code = Catalog(fuzzy=False)
    code.add("Open %(name)s")
    code.add(("%(n)d case", "%(n)d cases"))
    catalogue = Catalog(locale="de", fuzzy=False)
    for key, text in rows:
        catalogue.add(key, text, flags=["fuzzy"] if fuzzy else [])  # type: ignore[arg-type]
    return list(_compare(code, catalogue))


GOOD = ("Open %(name)s", "%(name)s öffnen")
COUNT = (("%(n)d case", "%(n)d cases"), ("%(n)d Fall", "%(n)d Fälle"))


def test_a_good_catalogue_has_no_faults() -> None:
    """What the checks below vary."""
    assert said(GOOD, COUNT) == []


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([GOOD], "lacks"),
        ([GOOD, COUNT, ("Gone", "Weg")], "does not need"),
        ([("Open %(name)s", ""), COUNT], "does not translate"),
        ([("Open %(name)s", "%(nam)s öffnen"), COUNT], "fills in"),
        ([("Open %(name)s", "Öffnen"), COUNT], "fills in"),
        ([("Open %(name)s", "100 % %(name)s"), COUNT], "fills in"),
        ([("Open %(name)s", "<b>%(name)s</b>"), COUNT], "brings markup into"),
        ([("Open %(name)s", 'a "%(name)s"'), COUNT], "brings markup into"),
        ([GOOD, (COUNT[0], ("%(n)d Fall",))], "has 1 plural forms of 2"),
        ([GOOD, (COUNT[0], ("%(n)d Fall", "Fälle"))], "fills in"),
    ],
)
def test_a_fault_is_named(rows: list[tuple[object, object]], word: str) -> None:
    """Once, with the message it is about."""
    (fault,) = said(*rows)
    assert fault.startswith(word)


def test_an_unsure_translation_is_a_fault() -> None:
    """A guess is looked at before it is shown."""
    assert len(said(GOOD, COUNT, fuzzy=True)) == 2
