"""Official test sets: read whole, thresholds from other rows, scored as their tasks do."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from training.config import Experiment
from training.corpora.examples import EXCLUDE, fold_hash, merge_key
from training.corpora.readers.korean_abuse import UNSMILE_CLEAN, UNSMILE_HATE, UNSMILE_MEAN
from training.corpora.splits import CALIBRATE, DEV, TRAIN
from training.measuring.benchmarks import BENCHMARKS, Benchmark, find_benchmarks
from training.measuring.official import run_benchmarks
from training.measuring.official_metrics import (
    Floats,
    choose_threshold,
    count,
    macro_f1,
    marked_letters,
    positive_f1,
    span_f1,
)
from triage_ml.domain.text import normalise
from triage_ml.errors import InvalidInput

OUTPUTS = ("hate", "violation")
EXPERIMENT = Experiment("tiny", calibrate_percent=40, dev_percent=40, n_bootstrap=20)
UNSMILE = ("문장", *UNSMILE_HATE, UNSMILE_MEAN, UNSMILE_CLEAN)


def sentences(name: str, n: int = 12) -> list[tuple[str, bool]]:
    kinds = ("They must all be driven out", "The library opens at nine")
    return [(f"{kinds[i % 2]}, said neighbour {name}{i}", i % 2 == 0) for i in range(n)]


def write(path: Path, rows: Sequence[Sequence[object]], delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Every corpus in small; odd rows are benign, as their sentences say."""
    raw = tmp_path / "raw"
    (tmp_path / EXCLUDE).write_text(fold_hash(sentences("Test")[0][0]), "ascii")
    for name in ("Train", "Test"):
        germeval = [[text, int(bad)] for text, bad in sentences(name)]
        path = raw / "de_germeval2021" / f"data__GermEval21_{name}Data.csv"
        write(path, [["text", "label"], *germeval])
    edos = [[t, ("not sexist", "sexist")[b], s] for s in ("dev", "test") for t, b in sentences(s)]
    path = raw / "en_edos" / "data__edos_labelled_aggregated.csv"
    write(path, [["text", "label_sexist", "split"], *edos])
    unsmile = [[t, *[0] * len(UNSMILE_HATE), int(b), int(not b)] for t, b in sentences("u")]
    unsmile.append(["A name alone", *[0] * (len(UNSMILE) - 1)])
    write(raw / "ko_unsmile" / "unsmile_valid_v1.0.tsv", [[*UNSMILE], *unsmile], "\t")
    for name in ("train", "dev"):
        beep = [[t, "offensive" if b else "none"] for t, b in sentences(name)]
        path = raw / "ko_beep_kocohub" / f"labeled__{name}.tsv"
        write(path, [["comments", "hate"], *beep], "\t")
    turkish = [[i, t, "OFF" if b else "NOT"] for i, (t, b) in enumerate(sentences("t", 40))]
    write(raw / "tr_offenseval2020" / "offenseval-tr-training-v1.tsv", turkish, "\t")
    for name in ("training", "dev"):
        spanish = [[t, "OFG" if b else "NOE"] for t, b in sentences(name, 40)]
        path = raw / "es_meoffendes" / f"split_MeOffendES__{name}_set.tsv"
        write(path, [["comment", "label"], *spanish], "\t")
    for name in ("train", "trial", "test"):
        spans = [[json.dumps([*range(9)] if b else []), t] for t, b in sentences(name)]
        path = raw / "en_toxic_spans" / f"SemEval2021__data__tsd_{name}.csv"
        write(path, [["spans", "text"], *spans])
    return tmp_path


def knowing(texts: list[str]) -> Floats:
    found = np.array([float(text.startswith("They")) for text in texts])
    return np.stack([found, found], axis=1)


def knowing_words(texts: list[str]) -> list[list[tuple[int, int, float]]]:
    first = [(0, 4, 0.9), (5, 9, 0.9), (10, 13, 0.1)]
    return [first if text.startswith("They") else [(0, 3, 0.2)] for text in texts]


def benchmark(name: str) -> Benchmark:
    return next(b for b in BENCHMARKS if b.name == name)


def test_who_knows_the_answers_misses_nothing(data: Path) -> None:
    """A perfect scorer reaches 1 on every benchmark, and results are JSON."""
    results = run_benchmarks(data, knowing, knowing_words, outputs=OUTPUTS, experiment=EXPERIMENT)
    assert [r.name for r in results] == [b.name for b in BENCHMARKS]
    assert {r.value.value for r in results} == {1.0}
    assert not any(r.missed for r in results)
    json.dumps([asdict(r) for r in results])


def test_who_guesses_misses_and_loses_to_a_rival(data: Path) -> None:
    """A target not reached is said to be missed; a rival is compared on the same rows."""
    (found,) = run_benchmarks(
        data,
        lambda texts: np.zeros((len(texts), 2)),
        None,
        outputs=OUTPUTS,
        experiment=EXPERIMENT,
        rivals={"knowing": {"de": knowing}, "elsewhere": {"ko": knowing}},
        benchmarks=[benchmark("germeval2021_toxic")],
    )
    assert found.missed
    assert found.rivals["knowing"].value == 1.0
    assert found.gains["knowing"].high < 0
    assert "elsewhere" not in found.rivals


def test_leaves_reserved_texts_out(data: Path) -> None:
    """A text reserved for others is not tested, and counted."""
    chosen = [benchmark("germeval2021_toxic"), benchmark("beep")]
    german, korean = run_benchmarks(
        data, knowing, None, outputs=OUTPUTS, experiment=EXPERIMENT, benchmarks=chosen
    )
    assert (german.n_test, german.n_reserved) == (11, 1)
    assert (korean.n_test, korean.n_reserved) == (12, 0)


def test_the_snapshot_says_what_was_trained_on(data: Path) -> None:
    """A row of our own tenth that training holds is not tested; an official one is counted."""
    bad, good, fit_bad, fit_good, *_ = (merge_key(t) for t, _ in sentences("t", 40))
    turkish = dict.fromkeys((merge_key(t) for t, _ in sentences("t", 40)), TRAIN)
    turkish |= {bad: DEV, good: DEV, fit_bad: CALIBRATE, fit_good: CALIBRATE}
    splits = turkish | {merge_key(sentences("dev")[0][0]): TRAIN}
    korean, own = run_benchmarks(
        data,
        knowing,
        None,
        outputs=OUTPUTS,
        experiment=EXPERIMENT,
        splits=splits,
        benchmarks=[benchmark("beep"), benchmark("offenseval_tr")],
    )
    assert (own.n_fit, own.n_test, own.n_trained_on) == (2, 2, 0)
    assert (korean.n_test, korean.n_trained_on) == (12, 1)


def test_takes_the_benchmarks_that_can_be_run(data: Path) -> None:
    """A missing corpus or output leaves its benchmark out of the list, or stops the run."""
    assert len(find_benchmarks(data, OUTPUTS)) == len(BENCHMARKS)
    assert "edos_a" not in {b.name for b in find_benchmarks(data, ("violation",))}
    assert find_benchmarks(data / "elsewhere", OUTPUTS) == ()
    absent = replace(benchmark("edos_a"), output="self_harm")
    with pytest.raises(InvalidInput, match="no output self_harm"):
        run_benchmarks(
            data, knowing, None, outputs=OUTPUTS, experiment=EXPERIMENT, benchmarks=[absent]
        )


def test_f1_agrees_with_scikit_learn() -> None:
    """Of the positive class, and the mean of both."""
    random = np.random.default_rng(0)
    truth, flagged = random.random(200) < 0.3, random.random(200) < 0.4
    counts = count(truth, flagged)
    assert positive_f1(counts) == pytest.approx(f1_score(truth, flagged))
    assert macro_f1(counts) == pytest.approx(f1_score(truth, flagged, average="macro"))


def test_chooses_a_threshold_between_the_kinds() -> None:
    """Where scores separate the kinds, the threshold lies between them."""
    truth = np.arange(60) % 2 == 0
    scores = np.where(truth, 2.0, -1.0)
    assert -1.0 < choose_threshold(macro_f1, truth, scores) <= 2.0
    everything = choose_threshold(positive_f1, np.ones(9, np.bool_), np.arange(9.0))
    assert everything == 0.0


def test_scores_spans_as_the_task_does() -> None:
    """By letters; a post without marks is right only when nothing is found."""
    assert span_f1(frozenset(), frozenset()) == 1.0
    assert span_f1(frozenset({1}), frozenset()) == 0.0
    assert span_f1(frozenset(), frozenset({1})) == 0.0
    assert span_f1(frozenset({1, 2}), frozenset({2, 3})) == 0.5


def test_marks_letters_of_the_original() -> None:
    """Neighbouring marked words become one span, and letters are counted in the original."""
    cut = normalise("no\u200b sooo   bad")
    assert cut.text == "no soo bad"
    marks = [(0, 2, 0.1), (3, 6, 0.9), (7, 10, 0.8)]
    assert marked_letters(marks, 0.5, cut.starts) == frozenset(range(4, 14))
    assert marked_letters(marks, 0.85, cut.starts) == frozenset(range(4, 8))
