"""Keep the catalogues in step with the code: `python -m serving.console.catalogue check|update`.

`check` names every message that a catalogue lacks, no longer needs, is unsure of, or fills in
wrongly. `update` writes what is new into the catalogues, to be translated by a person.
"""

import re
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract, extract_python
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from serving.console.i18n import catalogue_of
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language

CODE = Path(__file__).parent
TRANSLATED = tuple(row for row in SUPPORTED_LANGUAGES if row is not Language.EN)
KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2)}
JINJA = {"newstyle_gettext": "true", "silent": "false", "trimmed": "true"}
Key = str | tuple[str, ...]

_PLACE = re.compile(r"%\((\w+)\)[a-z]|(\{\w+\})|%%")  # the second is filled in by a script
_MARKUP = re.compile(r'[<>"]|&(?!\w+;)')


def wanted() -> Catalog:
    """Collect what the code and the templates mark for translation."""
    found = Catalog(project="triage-ml", version="console", fuzzy=False)
    ways: tuple[tuple[str, Callable[..., Any], dict[str, str]], ...] = (
        ("**/*.py", extract_python, {}),
        ("templates/**/*.html", babel_extract, JINJA),
    )
    for pattern, method, options in ways:
        for path in sorted(CODE.glob(pattern)):
            with path.open("rb") as file:
                for _, message, comments, context in extract(
                    method, file, keywords=KEYWORDS, options=options
                ):
                    # Without line numbers: a moved line is no change to a translator.
                    where = [(path.relative_to(CODE).as_posix(), 0)]
                    found.add(message, None, where, (), comments, context=context)
    return found


def read(language: Language) -> Catalog:
    with catalogue_of(language).open("rb") as file:
        return read_po(file, locale=language.value)


def faults(language: Language) -> list[str]:
    """Say what is wrong with a language's catalogue; nothing if it is in step."""
    return list(_compare(wanted(), read(language)))


def _compare(code: Catalog, catalogue: Catalog) -> Iterator[str]:
    have = {_key(row): row for row in catalogue if row.id}
    need = {_key(row) for row in code if row.id}
    for key in sorted(need - have.keys(), key=str):
        yield f"lacks {key!r}"
    for key in sorted(have.keys() - need, key=str):
        yield f"does not need {key!r}"
    for dropped in catalogue.obsolete.values():
        yield f"keeps the obsolete {_key(dropped)!r}"
    for key in sorted(need & have.keys(), key=str):
        if reason := _fault(have[key], catalogue.num_plurals):
            yield f"{reason}: {key!r}"


def _fault(message: Message, n_plurals: int) -> str:
    """Say what is wrong with one translation, or nothing."""
    given = message.string if isinstance(message.string, list | tuple) else (message.string,)
    if message.fuzzy:
        return "is unsure of"
    if not all(given):
        return "does not translate"
    ids = message.id if isinstance(message.id, list | tuple) else (message.id,)
    if len(ids) > 1 and len(given) != n_plurals:
        return f"has {len(given)} plural forms of {n_plurals}"
    texts = [str(text) for text in given]
    # The last form serves every number; one before it may say its number in words.
    allowed = [_places(text) for text in ids]
    if _places(texts[-1]) != allowed[-1] or any(_places(text) not in allowed for text in texts):
        return "fills in other values than"
    # Translations stand in HTML and in attributes as they are.
    if not _MARKUP.search("".join(ids)) and any(_MARKUP.search(text) for text in texts):
        return "brings markup into"
    return ""


def _places(text: str) -> set[str]:
    """Name the values a text is filled with; a lone sign of per cent is one of its own."""
    named = {found[1] or found[2] for found in _PLACE.finditer(text)} - {None}
    return named | ({"%"} if "%" in _PLACE.sub("", text) else set())


def _key(message: Message) -> Key:
    return tuple(message.id) if isinstance(message.id, list | tuple) else message.id


def update(language: Language) -> None:
    """Write new messages, untranslated, and drop those no longer needed."""
    catalogue = read(language)
    catalogue.update(wanted(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    out = BytesIO()
    write_po(out, catalogue, width=96, omit_header=False, include_lineno=False)
    catalogue_of(language).write_bytes(out.getvalue())


def main(arguments: list[str]) -> int:
    """Run one command; give the exit status."""
    say = sys.stdout.write
    if arguments == ["update"]:
        for language in TRANSLATED:
            update(language)
    elif arguments != ["check"]:
        say("usage: python -m serving.console.catalogue check|update\n")
        return 2
    found = [(language, fault) for language in TRANSLATED for fault in faults(language)]
    for language, fault in found:
        say(f"{language.value}: {fault}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
