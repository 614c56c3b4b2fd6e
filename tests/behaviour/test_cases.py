"""The functional suite itself: enough cases, each with a reason, none of them trained on."""

import re
from collections import Counter
from functools import cache

import pytest

from training.corpora.duplicates import near_duplicates
from training.corpora.readers.written import WRITTEN_FOLDER, read_written
from training.measuring.behaviour import ABSENT, PRESENT, Case, read_cases
from training.measuring.evaluate import MIN_CASES as MIN_CASES_OF_LABEL
from triage_ml.domain.taxonomy import HEADS, SUPPORTED_LANGUAGES, VIOLATION, Language
from triage_ml.domain.text import normalise

MIN_CASES, MIN_PER_LANGUAGE = 1_500, 300
LANGUAGES = pytest.mark.parametrize("language", SUPPORTED_LANGUAGES, ids=lambda x: x.value)
DOMAIN = re.compile(r"\b(?:https?://)?((?:[\w-]+\.)+[a-z]{2,})\b", re.IGNORECASE)
REAL_ENDINGS = re.compile(
    r"\.(?:com|net|org|info|biz|io|co|me|ly|gl|gg|tv|app|shop|store|xyz|top|online|site|club|link"
    r"|ru|de|at|ch|tr|es|mx|ar|cl|pe|kr|uk|us|eu)$",
    re.IGNORECASE,
)


@cache
def suite() -> tuple[Case, ...]:
    return tuple(read_cases())


@cache
def written() -> tuple[str, ...]:
    files = sorted(WRITTEN_FOLDER.glob("*.jsonl"))
    return tuple(row.text for path in files for row in read_written(path))


def folded(text: str) -> str:
    return normalise(text).text.casefold()


def repeated(values: list[str]) -> list[str]:
    return [value for value, n in Counter(values).items() if n > 1]


def test_there_are_enough_cases() -> None:
    """All together, and in each language."""
    counts = Counter(case.language for case in suite())
    assert len(suite()) >= MIN_CASES
    assert {x.value: counts[x] for x in SUPPORTED_LANGUAGES if counts[x] < MIN_PER_LANGUAGE} == {}


def test_no_case_is_there_twice() -> None:
    """Neither an id nor, however it is typed, a text."""
    assert repeated([case.id for case in suite()]) == []
    assert repeated([folded(case.text) for case in suite()]) == []


def test_every_case_says_why() -> None:
    """A reason, on one line, and a text that shows something."""
    assert [case.id for case in suite() if not case.why.strip() or "\n" in case.why] == []
    assert [case.id for case in suite() if not folded(case.text).strip()] == []


def test_ids_name_language_and_functionality() -> None:
    """A failed case can be found by its name."""
    wrong = [c.id for c in suite() if not c.id.startswith(f"{c.language}-{c.functionality}-")]
    assert wrong == []


@LANGUAGES
def test_a_label_can_become_functional(language: Language) -> None:
    """Each head has as many cases of either kind as its support takes."""
    own = [case for case in suite() if case.language is language]
    for head in HEADS:
        present = sum(c.label == head and c.expect == PRESENT for c in own)
        absent = sum(c.label in (head, VIOLATION) and c.expect == ABSENT for c in own)
        assert min(present, absent) >= MIN_CASES_OF_LABEL, head


def test_each_label_is_expected_and_not_expected() -> None:
    """A model that always, or never, shows a label fails cases made for it."""
    sides = {(case.label, case.expect) for case in suite()}
    labels = (*(head.value for head in HEADS), VIOLATION)
    assert {(label, side) for label in labels for side in (PRESENT, ABSENT)} <= sides


def test_every_language_tests_the_same_abilities() -> None:
    """A functionality that one language lacks could not be compared."""
    names = {
        language: {case.functionality for case in suite() if case.language is language}
        for language in SUPPORTED_LANGUAGES
    }
    assert len({frozenset(found) for found in names.values()}) == 1


def test_no_case_is_trained_on() -> None:
    """No text of the suite is among the examples the model learns from."""
    trained = {folded(text) for text in written()}
    assert [case.id for case in suite() if folded(case.text) in trained] == []


def test_no_case_is_nearly_trained_on() -> None:
    """Nor does one share most of its letters with such an example, or with another case."""
    texts = [*(case.text for case in suite()), *written()]
    clusters = near_duplicates(texts)
    seen: dict[int, list[str]] = {}
    for row, case in enumerate(suite()):
        seen.setdefault(clusters.of(row), []).append(case.id)
    trained = {clusters.of(row) for row in range(len(suite()), len(texts))}
    near = [ids for cluster, ids in seen.items() if cluster in trained or len(ids) > 1]
    assert near == []


def test_links_lead_nowhere() -> None:
    """A domain of the suite is one that is reserved for examples, never somebody's."""
    found = [(case.id, m[1]) for case in suite() for m in DOMAIN.finditer(case.text)]
    assert [where for where in found if REAL_ENDINGS.search(where[1])] == []
