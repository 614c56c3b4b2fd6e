"""The replay set is the same in every retraining, and decisions overrule the corpora."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.corpora import write_abuse_corpus
from tests.training.decided import WINDOW, decided, decisions
from tests.training.rows import rows
from training.config import Experiment
from training.corpora.examples import Example
from training.corpora.replay import build_retraining, choose_replay, count_new_terms
from training.corpora.snapshot import load_snapshot
from training.corpora.sources import VIOLATION, Row, Source
from training.learning.batches import draws_of
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import DECISIONS

EXPERIMENT = Experiment(
    "retrain",
    from_artifact=True,
    sources=("de_germeval2018", "es_meoffendes"),
    replay_rows=15,
    calibrate_percent=25,
    dev_percent=25,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay") / "data"
    write_abuse_corpus(folder, 60)
    return folder


def build(data: Path, out: Path, own: list[Row], **settings: Any) -> dict[str, Any]:
    experiment = replace(EXPERIMENT, **settings)
    return build_retraining(data, out, experiment, [decisions(own)], [{"window": WINDOW}])


def some(n: int, word: str = "wort") -> list[Row]:
    """Give sentences of made-up words, so that no two are near duplicates."""
    draw = random.Random(word)
    letters = "abdefgiklmnoprstu"
    texts = [" ".join("".join(draw.choices(letters, k=6)) for _ in range(5)) for _ in range(n)]
    return [decided(f"{text} {word}", i % 2 == 0) for i, text in enumerate(texts)]


def test_the_replay_set_is_the_same_whatever_was_decided(data: Path, tmp_path: Path) -> None:
    """Its hash names it, in this snapshot and the next."""
    first = build(data, tmp_path / "a", some(20))
    second = build(data, tmp_path / "b", some(60, "anders"))
    assert first["replay"] == second["replay"]
    assert first["hash"] != second["hash"]


def test_other_settings_give_another_replay_set(data: Path, tmp_path: Path) -> None:
    """More rows of each cell, or other corpora."""
    one = build(data, tmp_path / "a", some(20))["replay"]
    other = build(data, tmp_path / "b", some(20), replay_rows=5)["replay"]
    assert other["n_rows"] < one["n_rows"]
    assert other["hash"] != one["hash"]


def test_only_replayed_and_decided_rows_are_trained_on(data: Path, tmp_path: Path) -> None:
    """Decisions have their splits like public rows; what measures is left whole."""
    summary = build(data, tmp_path / "a", some(80), replay_rows=5)
    snapshot, _ = load_snapshot(tmp_path / "a")
    trained = [r for r in snapshot if r["split"] == "train"]
    own = [r for r in trained if DECISIONS in r["sources"]]
    assert len(trained) - len(own) <= summary["replay"]["n_rows"]
    assert summary["decided"]["de"]["train"] == len(own)
    assert set(summary["decided"]["de"]) >= {"train", "calibrate", "dev", "violating", "benign"}


def test_a_decision_overrules_a_corpus(data: Path, tmp_path: Path) -> None:
    """The platform's own policy says what its labels mean; the row counts as decided."""
    build(data, tmp_path / "a", some(20))
    snapshot, _ = load_snapshot(tmp_path / "a")
    public = next(r for r in snapshot if DECISIONS not in r["sources"] and r["labels"][-1] == 1)
    overruled = decided(public["text"], False, public["language"])
    build(data, tmp_path / "b", [overruled, *some(20)])
    again, _ = load_snapshot(tmp_path / "b")
    row = next(r for r in again if r["key"] == public["key"])
    assert row["sources"][0] == DECISIONS
    assert row["labels"][-1] == 0


def test_two_decisions_that_contradict_decide_nothing(data: Path, tmp_path: Path) -> None:
    """The label is unknown, as between corpora."""
    both = [decided("Ein Satz zweimal", True), decided("Ein Satz zweimal", False), *some(20)]
    build(data, tmp_path / "a", both)
    snapshot, _ = load_snapshot(tmp_path / "a")
    row = next(r for r in snapshot if r["text"] == "Ein Satz zweimal")
    assert row["labels"][-1] == -1


def test_where_nothing_is_violated_no_label_of_a_corpus_stays() -> None:
    """But that of a hint, which is no violation; what a corpus found absent stays absent."""
    public = Source("corpus", "de", "open", "open", "a corpus", lambda _: iter(()))
    found = {"hate": 1, "profanity": 1, "threat_incitement": 0, VIOLATION: 1}
    example = Example("k", "t", "de")
    example.add(public, Row("t", found, severity={"hate": 3}))
    example.add(decisions([]).source, decided("t", False), overrules=1)
    assert example.labels == {
        "harassment": 0,
        "profanity": 1,
        "threat_incitement": 0,
        VIOLATION: 0,
    }
    assert example.severity == {}


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_two_sets_the_later_one_is_right(data: Path, tmp_path: Path, newest_first: bool) -> None:
    """A complaint turns a decision after its export: the next one has it as it is now."""
    text = "Ein Satz in zwei Mengen"
    sets = [
        (decisions([decided(text, value), *some(20)]), {"window": {"until": until}})
        for value, until in ((True, "2026-11-01"), (False, "2026-12-01"))
    ]
    found, manifests = zip(*(sets[::-1] if newest_first else sets), strict=True)
    build_retraining(data, tmp_path / "a", EXPERIMENT, found, manifests)
    snapshot, _ = load_snapshot(tmp_path / "a")
    row = next(r for r in snapshot if r["text"] == text)
    assert row["labels"][-1] == 0


@pytest.mark.parametrize("own", [[], [decided("Bonjour tout le monde", False, "fr")]])
def test_nothing_decided_is_refused(data: Path, tmp_path: Path, own: list[Row]) -> None:
    """An empty set, and one of a language no model reads."""
    with pytest.raises(InvalidInput, match="decisions: hold no example"):
        build(data, tmp_path / "a", own)


def test_decisions_of_another_language_are_left_out(data: Path, tmp_path: Path) -> None:
    """The others are learned from."""
    summary = build(data, tmp_path / "a", [*some(20), decided("Bonjour", False, "fr")])
    assert set(summary["decided"]) == {"de"}


def test_no_public_corpora_are_refused(tmp_path: Path) -> None:
    """Learning from decisions alone would forget everything else."""
    with pytest.raises(InvalidInput, match="data: no folder"):
        build(tmp_path / "none", tmp_path / "a", some(20))


def test_new_terms_are_counted_and_not_named() -> None:
    """A word of five violating decisions that no public row has."""

    def example(i: int, text: str, source: str, value: int) -> Example:
        return Example(str(i), text, "de", [source], {VIOLATION: value})

    own = [example(i, f"der Zorvak Nummer {i} Haus", DECISIONS, 1) for i in range(5)]
    public = [example(9, "der Haus Nummer", "a", 0)]
    assert count_new_terms([*own, *public]) == {"de": 1}
    assert count_new_terms(own[:4]) == {"de": 0}


def test_replay_covers_every_language_output_and_side() -> None:
    """So many of each, chosen by the hash of the key; held-out rows never."""
    examples = [
        Example(f"{i:064x}", f"t{i}", "de" if i % 2 else "tr", ["a"], {VIOLATION: i // 2 % 2})
        for i in range(0x30000000 << 8, (0x30000000 << 8) + 400)
    ]
    for e in examples:
        e.research = False
        e.key = e.key[-8:] + e.key[:-8]
    keys = choose_replay(examples, replace(EXPERIMENT, replay_rows=7))
    counts = Counter((e.language, e.labels[VIOLATION]) for e in examples if e.key in keys)
    assert set(counts.values()) <= {7}
    examples[0].held_out = True
    assert examples[0].key not in choose_replay(examples, replace(EXPERIMENT, replay_rows=400))


def test_a_doubtful_decision_is_drawn_less_often() -> None:
    """By what the noise model says it is worth."""
    worth = np.array([1.0, 0.25])
    seen = rows([[1], [0]], ["de", "de"], [DECISIONS, DECISIONS], worth=worth)
    assert draws_of(seen, EXPERIMENT) == pytest.approx([0.8, 0.2])
    assert draws_of(seen.take(np.array([1])), EXPERIMENT) == pytest.approx([1.0])
