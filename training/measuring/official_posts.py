"""Posts of official test sets, read as published, with the question their corpus asks.

The training readers leave out what is no violation or cannot be decided; here every row of a
test set stays in, save the reserved ones.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.config import Experiment
from training.corpora.examples import fold_hash, merge_key
from training.corpora.readers.korean_abuse import UNSMILE_CLEAN, UNSMILE_HATE, UNSMILE_MEAN
from training.corpora.sources import MAX_CHARACTERS, read_table
from training.corpora.splits import CALIBRATE, DEV, TRAIN, own_split
from triage_ml.domain.text import normalise


@dataclass(frozen=True, slots=True)
class Post:
    """A row of a corpus: the answer to its question, or the letters it marks.

    Of rows that are not `official`, a benchmark takes those of one split of our own.
    """

    text: str
    truth: bool = False
    official: bool = False
    letters: frozenset[int] = frozenset()  # of `text`


@dataclass(frozen=True, slots=True)
class Posed:
    """A post as the model sees it."""

    key: str
    text: str  # normalised
    truth: bool
    official: bool
    letters: frozenset[int]  # of the original
    starts: tuple[int, ...]  # per letter of `text`, its place in the original


ReadPosts = Callable[[Path], Iterator[Post]]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Which split a text belongs to: the snapshot's, or by its own hash where it has none."""

    known: Mapping[str, str]
    experiment: Experiment

    def of(self, key: str) -> str:
        return self.known.get(key) or own_split(key, self.experiment)

    def is_trained_on(self, key: str) -> bool:
        return self.known.get(key) == TRAIN


@dataclass(frozen=True, slots=True)
class Split:
    """The rows a threshold is chosen on, and the rows that are tested."""

    fit: list[Posed]
    test: list[Posed]
    n_reserved: int
    n_trained_on: int

    @property
    def texts(self) -> list[str]:
        return [row.text for row in (*self.fit, *self.test)]

    @property
    def truth(self) -> npt.NDArray[np.bool_]:
        return np.array([row.truth for row in (*self.fit, *self.test)], np.bool_)


def gather(
    folder: Path,
    read_fit: ReadPosts,
    read_test: ReadPosts,
    reserved: frozenset[str],
    buckets: Buckets,
) -> Split:
    """Read a benchmark's rows without the reserved ones, and none on both sides."""
    test, n_reserved = _admit(read_test(folder), DEV, reserved, buckets)
    tested = {row.key for row in test}
    fit, _ = _admit(read_fit(folder), CALIBRATE, reserved, buckets)
    fit = [row for row in fit if row.key not in tested]
    return Split(fit, test, n_reserved, sum(buckets.is_trained_on(row.key) for row in test))


def germeval_train(folder: Path) -> Iterator[Post]:
    return _germeval(folder, "Train", official=False)


def germeval_test(folder: Path) -> Iterator[Post]:
    return _germeval(folder, "Test", official=True)


def edos_dev(folder: Path) -> Iterator[Post]:
    return _edos(folder, "dev")


def edos_test(folder: Path) -> Iterator[Post]:
    return _edos(folder, "test")


def no_posts(_: Path) -> Iterator[Post]:
    """Give nothing: a metric without threshold needs no rows to choose one."""
    return iter(())


def unsmile_valid(folder: Path) -> Iterator[Post]:
    """Hate or mean words against clean; a person's name alone is neither."""
    columns = ("문장", *UNSMILE_HATE, UNSMILE_MEAN, UNSMILE_CLEAN)
    for row in read_table(folder / "unsmile_valid_v1.0.tsv", columns, delimiter="\t", quoted=False):
        abusive = any(row[name] == "1" for name in (*UNSMILE_HATE, UNSMILE_MEAN))
        if abusive or row[UNSMILE_CLEAN] == "1":
            yield Post(row["문장"], abusive, official=True)


def beep_train(folder: Path) -> Iterator[Post]:
    return _beep(folder, "train", official=False)


def beep_dev(folder: Path) -> Iterator[Post]:
    return _beep(folder, "dev", official=True)


def offenseval_train(folder: Path) -> Iterator[Post]:
    path = folder / "offenseval-tr-training-v1.tsv"
    columns = ("id", "tweet", "label")
    for row in read_table(path, columns, delimiter="\t", header=False, quoted=False):
        if row["label"] in ("OFF", "NOT"):
            yield Post(row["tweet"], row["label"] == "OFF")


def meoffendes_train(folder: Path) -> Iterator[Post]:
    return _meoffendes(folder, "training", official=False)


def meoffendes_dev(folder: Path) -> Iterator[Post]:
    return _meoffendes(folder, "dev", official=True)


def spans_train(folder: Path) -> Iterator[Post]:
    for split in ("train", "trial"):
        yield from _spans(folder, split, official=False)


def spans_test(folder: Path) -> Iterator[Post]:
    return _spans(folder, "test", official=True)


def _germeval(folder: Path, name: str, *, official: bool) -> Iterator[Post]:
    path = folder / f"data__GermEval21_{name}Data.csv"
    for row in read_table(path, ("text", "label")):
        yield Post(row["text"], row["label"] == "1", official)


def _edos(folder: Path, split: str) -> Iterator[Post]:
    path = folder / "data__edos_labelled_aggregated.csv"
    for row in read_table(path, ("text", "label_sexist", "split")):
        if row["split"] == split:
            yield Post(row["text"], row["label_sexist"] == "sexist", official=True)


def _beep(folder: Path, name: str, *, official: bool) -> Iterator[Post]:
    path = folder / f"labeled__{name}.tsv"
    for row in read_table(path, ("comments", "hate"), delimiter="\t", quoted=False):
        yield Post(row["comments"], row["hate"] != "none", official)


def _meoffendes(folder: Path, name: str, *, official: bool) -> Iterator[Post]:
    path = folder / f"split_MeOffendES__{name}_set.tsv"
    for row in read_table(path, ("comment", "label"), delimiter="\t"):
        yield Post(row["comment"], row["label"] in ("OFP", "OFG"), official)


def _spans(folder: Path, split: str, *, official: bool) -> Iterator[Post]:
    path = folder / f"SemEval2021__data__tsd_{split}.csv"
    for row in read_table(path, ("spans", "text")):
        letters = frozenset(json.loads(row["spans"]))
        yield Post(row["text"], bool(letters), official, letters)


def _admit(
    read: Iterable[Post], own: str, reserved: frozenset[str], buckets: Buckets
) -> tuple[list[Posed], int]:
    """Keep official rows and those of our own bucket; count the reserved ones left out."""
    wanted = [
        (post, posed)
        for post, posed in _pose(read)
        if posed.official or buckets.of(posed.key) == own
    ]
    kept = [
        posed
        for post, posed in wanted
        if not {fold_hash(post.text), fold_hash(posed.text)} & reserved
    ]
    return kept, len(wanted) - len(kept)


def _pose(posts: Iterable[Post]) -> Iterator[tuple[Post, Posed]]:
    """Normalise posts as a snapshot does."""
    for post in posts:
        cut = normalise(post.text[:MAX_CHARACTERS])
        key = merge_key(cut.text)
        yield post, Posed(key, cut.text, post.truth, post.official, post.letters, cut.starts)
