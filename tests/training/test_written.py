"""The examples of the project parse, and cover what no corpus decides."""

import json
from pathlib import Path

import pytest

from training.corpora.readers.written import WRITTEN, read_written
from training.corpora.sources import OUTPUTS, Source
from triage_ml.domain.taxonomy import HEADS, SUPPORTED_LANGUAGES, VIOLATION
from triage_ml.errors import InvalidInput

GOOD = {"text": "w1", "labels": ["violent_threat", "violation"], "family": "en-1"}
MIN_POSITIVES = 20


def write(folder: Path, *entries: object) -> Path:
    path = folder / "en.jsonl"
    path.write_text("\n".join(json.dumps(entry) for entry in entries) + "\n\n", "utf-8")
    return path


def test_the_writer_decides_every_output_but_the_unsure_ones(tmp_path: Path) -> None:
    """Listed is present, unsure is unknown, and all the rest is absent."""
    severity = {"violent_threat": 3}
    entry = GOOD | {"severity": severity, "unsure": ["harassment"]}
    [row] = read_written(write(tmp_path, entry))
    assert set(OUTPUTS) - set(row.labels) == {"harassment"}
    assert {o for o, value in row.labels.items() if value} == {"violent_threat", "violation"}
    assert (row.text, row.group, row.severity) == ("w1", "en-1", severity)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("text", "not an example"),
        ({"text": "w1", "labels": []}, "family"),
        (GOOD | {"labels": ["rudeness", "violation"]}, "no output rudeness"),
        (GOOD | {"severity": {"rudeness": 3}}, "no output rudeness"),
        (GOOD | {"unsure": ["rudeness"]}, "no output rudeness"),
        (GOOD | {"labels": ["violent_threat"]}, "without `violation`"),
    ],
)
def test_a_bad_line_is_named(entry: object, reason: str, tmp_path: Path) -> None:
    """The message names the file, the line and what is wrong with it."""
    with pytest.raises(InvalidInput, match=reason) as caught:
        list(read_written(write(tmp_path, GOOD, entry)))
    assert caught.value.field == "en.jsonl: line 2"


def test_swearing_alone_is_no_violation(tmp_path: Path) -> None:
    """Profanity is a hint; an example of it needs no `violation`."""
    [row] = read_written(write(tmp_path, GOOD | {"labels": ["profanity"]}))
    assert (row.labels["profanity"], row.labels[VIOLATION]) == (1, 0)


@pytest.mark.parametrize("source", WRITTEN, ids=lambda source: source.name)
def test_each_language_has_examples_of_every_label(source: Source, tmp_path: Path) -> None:
    """Every line parses, each head has positives, and benign examples stand beside them."""
    rows = list(source.read(tmp_path))
    for head in HEADS:
        n_positive = sum(row.labels.get(head.value, -1) == 1 for row in rows)
        assert n_positive >= MIN_POSITIVES, head
    assert sum(row.labels.get(VIOLATION, -1) == 0 for row in rows) >= len(rows) // 4
    assert all(row.text.strip() and row.group for row in rows)
    assert all(0 <= grade <= 4 for row in rows for grade in row.severity.values())


def test_written_sources_say_that_they_are() -> None:
    """One per language, marked as written and named so."""
    assert {source.name for source in WRITTEN} == {
        f"written_{x.value}" for x in SUPPORTED_LANGUAGES
    }
    assert all(source.written for source in WRITTEN)
