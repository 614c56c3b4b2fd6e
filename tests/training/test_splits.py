"""What is near to each other stays together, and tests stay tests."""

from collections import Counter

import pytest

from training.config import Experiment
from training.corpora.examples import Example, fold_hash
from training.corpora.sources import Row, Source
from training.corpora.splits import CALIBRATE, DEV, PROBE, TRAIN, assign_splits, own_split

SETTINGS = Experiment("test")
SOURCE = Source("a", "en", "open", "CC0", "us", lambda _: iter(()))
RESEARCH = Source("b", "en", "non-commercial", "CC BY-NC", "us", lambda _: iter(()))
WRITTEN = Source("written_en", "en", "open", "Apache-2.0", "us", lambda _: iter(()), written=True)
LONG = "The library in the old town opens at nine and closes at six on every day but Sunday"


def key_of(split: str) -> str:
    """Find a key that hashes to a split."""
    keys = (fold_hash(str(i)) for i in range(1_000))
    return next(key for key in keys if own_split(key, SETTINGS) == split)


def example(split: str, text: str, source: Source = SOURCE, **row: object) -> Example:
    made = Example(key_of(split), text, "en")
    made.add(source, Row(text, {"violation": 0}, **row))  # type: ignore[arg-type]
    return made


def splits_of(*examples: Example) -> tuple[list[str | None], Counter[str]]:
    dropped: Counter[str] = Counter()
    return assign_splits(examples, SETTINGS, dropped), dropped


def test_a_text_alone_goes_by_its_own_hash() -> None:
    """Every bucket is used, and the publisher's test rows are always measured."""
    texts = "Rain is expected", "Coffee and cake", "A new bicycle lane"
    alone = [example(s, t) for s, t in zip((TRAIN, CALIBRATE, DEV), texts, strict=True)]
    assert splits_of(*alone)[0] == [TRAIN, CALIBRATE, DEV]
    assert splits_of(example(TRAIN, LONG, held_out=True))[0] == [DEV]


@pytest.mark.parametrize("other", [CALIBRATE, DEV])
def test_near_duplicates_train_if_one_of_them_does(other: str) -> None:
    """What a run has learned from never moves into a measurement."""
    found, dropped = splits_of(example(other, LONG), example(TRAIN, LONG + " now"))
    assert found == [TRAIN, TRAIN]
    assert dropped["near_duplicates_joined"] == 1


def test_rows_of_one_author_stay_together() -> None:
    """Different texts of one group share a split."""
    found, _ = splits_of(example(DEV, "Rain", group="x"), example(TRAIN, "Coffee", group="x"))
    assert found == [TRAIN, TRAIN]


def test_what_is_near_to_a_test_row_leaves_training() -> None:
    """A publisher's test row stays measured, its near duplicate is dropped and counted."""
    found, dropped = splits_of(example(DEV, LONG, held_out=True), example(TRAIN, LONG + " now"))
    assert found == [DEV, None]
    assert dropped["near_a_test_row"] == 1


def test_written_examples_are_never_measured_on() -> None:
    """An example of our own trains or calibrates."""
    found = [splits_of(example(s, LONG, WRITTEN))[0][0] for s in (TRAIN, CALIBRATE, DEV)]
    assert found == [TRAIN, CALIBRATE, CALIBRATE]


def test_research_corpora_are_only_measured_on() -> None:
    """Their rows probe, but for those near to a training row."""
    research = example(TRAIN, LONG, RESEARCH)
    assert splits_of(research)[0] == [PROBE]
    found, dropped = splits_of(research, example(TRAIN, LONG + " now"))
    assert found == [None, TRAIN]
    assert dropped["probe_near_training"] == 1
