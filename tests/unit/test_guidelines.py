"""Guidelines are whole in every language, or the policy's own English words stand in."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.unit.builders import shipped_policy
from triage_ml.domain.guideline import FOLDER, parse_guidelines
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Label, Language
from triage_ml.errors import PolicyInvalid
from triage_ml.policy import DEFAULT_FOLDER, _read, load_policy

MISSING = object()


def shipped() -> dict[str, Any]:
    return {path.stem: dict(_read(path)) for path in (DEFAULT_FOLDER / FOLDER).glob("*.toml")}


def test_every_label_has_a_guideline_in_every_language() -> None:
    """With two or three points on either side, short enough to be read beside a case."""
    guidelines = shipped_policy().guidelines
    assert set(guidelines) == set(SUPPORTED_LANGUAGES)
    for rows in guidelines.values():
        assert set(rows) == set(Label)
        for row in rows.values():
            assert all(2 <= len(points) <= 3 for points in (row.applies, row.excludes))
            assert all(len(point) <= 140 for point in (*row.applies, *row.excludes))


@pytest.mark.parametrize("label", Label)
def test_a_clause_has_one_number_in_all_languages(label: Label) -> None:
    """It is the one that the statement of reasons cites."""
    policy = shipped_policy()
    numbers = {rows[label].clause.split()[0] for rows in policy.guidelines.values()}
    assert numbers == {policy.labels[label].clause.split()[0]}


@pytest.mark.parametrize("label", Label)
def test_guidelines_are_translated(label: Label) -> None:
    """No language repeats another's words."""
    rows = [rows[label] for rows in shipped_policy().guidelines.values()]
    points = [point for row in rows for point in (row.scope, *row.applies, *row.excludes)]
    assert len(set(points)) == len(points)


def test_a_policy_without_guidelines_is_read(tmp_path: Path) -> None:
    """A deployment's folder of before still works; nothing else changes."""
    shutil.copytree(DEFAULT_FOLDER, tmp_path / "ours")
    shutil.rmtree(tmp_path / "ours" / FOLDER)
    policy = load_policy(tmp_path / "ours")
    assert policy.guidelines == {}
    assert policy.labels == shipped_policy().labels


@pytest.mark.parametrize(
    ("language", "field", "value", "reason"),
    [
        ("ko", "", MISSING, "is missing"),
        ("tr", "hate", MISSING, "must be a dict"),
        ("tr", "rudeness", {}, "is not a known key"),
        ("de", "hate.scope", "", "must not be empty"),
        ("de", "hate.clause", 1, "must be a str"),
        ("es", "hate.applies", [], "must be 1 to 5 points"),
        ("es", "hate.not", ["a"] * 6, "must be 1 to 5 points"),
        ("es", "hate.not", "a", "must be a list"),
        ("en", "hate.except", ["a"], "is not a known key"),
    ],
)
def test_a_wrong_guideline_is_named(language: str, field: str, value: object, reason: str) -> None:
    """With its file, its field and what is wrong."""
    documents = shipped()
    place, last = documents, language
    for key in filter(None, field.split(".")):
        place, last = place[last], key
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    with pytest.raises(PolicyInvalid, match=reason) as caught:
        parse_guidelines(documents)
    assert (caught.value.file, caught.value.field) == (f"{FOLDER}/{language}.toml", field or "-")


@pytest.mark.parametrize("point", ["", 3])
def test_a_point_that_is_no_text_is_named(point: object) -> None:
    """By its number."""
    documents = shipped()
    documents["en"]["hate"]["not"][1] = point
    with pytest.raises(PolicyInvalid) as caught:
        parse_guidelines(documents)
    assert caught.value.field == "hate.not[1]"


def test_a_file_of_another_language_is_refused() -> None:
    """It would never be shown to anybody."""
    with pytest.raises(PolicyInvalid, match=r"guidelines/fr\.toml"):
        parse_guidelines({**shipped(), "fr": {}})


def test_english_guidelines_say_the_clauses_of_the_labels() -> None:
    """What a reader sees without guidelines and with English ones is the same clause."""
    policy = shipped_policy()
    english = policy.guidelines[Language.EN]
    assert all(english[label].clause == row.clause for label, row in policy.labels.items())
