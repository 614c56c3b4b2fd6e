"""Official test sets: each corpus' own question, answered by one output of the model.

Thresholds are chosen on rows that are never tested: a published development split, or the
calibrate bucket of the training rows. The model is a function of texts, so that the served
model, a baseline or a later one are measured alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.config import Experiment
from training.corpora.examples import read_reserved
from training.measuring.benchmarks import AUC, BENCHMARKS, MACRO, POSITIVE, SPANS, Benchmark
from training.measuring.official_metrics import (
    SPAN_THRESHOLDS,
    CountsF1,
    Floats,
    Mark,
    Measure,
    auc_measure,
    bootstrap,
    choose_threshold,
    f1_measure,
    macro_f1,
    marked_letters,
    mean_measure,
    positive_f1,
    span_f1,
)
from training.measuring.official_posts import Buckets, Posed, Split, gather
from training.metrics import Interval
from triage_ml.errors import InvalidInput

F1: dict[str, CountsF1] = {MACRO: macro_f1, POSITIVE: positive_f1}

Score = Callable[[list[str]], npt.NDArray[np.floating]]
"""Give one score per text and output (N, L + 1), on any scale that ranks."""
ScoreSpans = Callable[[list[str]], Sequence[Sequence[Mark]]]
"""Give the marks of each text, in its own letters."""
Rivals = Mapping[str, Mapping[str, Score]]
"""Baselines by name and language."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was reached on a benchmark; `asdict` of it is JSON."""

    name: str
    language: str
    source: str
    metric: str
    output: str
    value: Interval
    target: float
    missed: bool
    published: float | None
    threshold: float | None
    n_fit: int
    n_test: int
    n_positive: int
    n_reserved: int
    n_trained_on: int  # official test rows that other corpora brought into training
    rivals: dict[str, Interval] = field(default_factory=dict)
    gains: dict[str, Interval] = field(default_factory=dict)  # over rivals, on the same rows


@dataclass(frozen=True, slots=True)
class Reading:
    """One scorer's answers to one benchmark: its measure on resampled rows, its threshold."""

    measure: Measure
    threshold: float | None


def run_benchmarks(
    data: Path,
    score: Score,
    score_spans: ScoreSpans | None,
    *,
    outputs: Sequence[str],
    experiment: Experiment,
    splits: Mapping[str, str] | None = None,
    rivals: Rivals | None = None,
    benchmarks: Sequence[Benchmark] = BENCHMARKS,
) -> list[Result]:
    """Measure each benchmark, the rivals beside it.

    `splits` gives the split of each key of the snapshot, which joins near duplicates; without it
    a text's own hash decides. Raises: InvalidInput for a missing corpus or output.
    """
    reserved = read_reserved(data).hashes
    buckets = Buckets(splits or {}, experiment)
    score = remembering(score)
    rivals = {
        name: {language: remembering(rival) for language, rival in languages.items()}
        for name, languages in (rivals or {}).items()
    }
    results = []
    for benchmark in benchmarks:
        folder = data / "raw" / benchmark.source
        split = gather(folder, benchmark.read_fit, benchmark.read_test, reserved, buckets)
        if benchmark.metric == SPANS:
            if score_spans is None:
                continue
            reading, others = read_spans(split, score_spans), {}
        else:
            column = _column(benchmark, outputs)
            reading = read_scores(benchmark, split, score(split.texts)[:, column])
            others = _read_rivals(benchmark, split, column, rivals)
        results.append(_result(benchmark, split, reading, others, experiment.n_bootstrap))
    return results


def remembering(score: Score) -> Score:
    """Score a text once: benchmarks share texts, and some scorers start anew at every call."""
    known: dict[str, npt.NDArray[np.floating]] = {}

    def scores_of(texts: list[str]) -> npt.NDArray[np.floating]:
        if new := [text for text in dict.fromkeys(texts) if text not in known]:
            known.update(zip(new, score(new), strict=True))
        return np.stack([known[text] for text in texts])

    return scores_of


def read_scores(benchmark: Benchmark, split: Split, scores: npt.NDArray[np.floating]) -> Reading:
    """Turn the scores of fit and test rows into a measure of the test rows."""
    n_fit, truth = len(split.fit), split.truth
    if benchmark.metric == AUC:
        return Reading(auc_measure(truth[n_fit:], scores[n_fit:]), None)
    if len(np.unique(truth[:n_fit])) < 2:
        raise InvalidInput(benchmark.source, "no rows of both kinds to choose a threshold on")
    f1 = F1[benchmark.metric]
    threshold = choose_threshold(f1, truth[:n_fit], scores[:n_fit])
    return Reading(f1_measure(f1, truth[n_fit:], scores[n_fit:] >= threshold), threshold)


def read_spans(split: Split, score_spans: ScoreSpans) -> Reading:
    """Choose the threshold of words on the fit rows and measure the test rows with it."""
    n_fit = len(split.fit)
    marks = score_spans(split.texts)

    def values(rows: list[Posed], found: Sequence[Sequence[Mark]], threshold: float) -> Floats:
        pairs = zip(rows, found, strict=True)
        return np.array(
            [span_f1(marked_letters(m, threshold, r.starts), r.letters) for r, m in pairs]
        )

    if not n_fit:
        raise InvalidInput("spans", "no rows to choose a threshold on")
    means = [values(split.fit, marks[:n_fit], t).mean() for t in SPAN_THRESHOLDS]
    threshold = SPAN_THRESHOLDS[int(np.argmax(means))]
    return Reading(mean_measure(values(split.test, marks[n_fit:], threshold)), threshold)


def _read_rivals(
    benchmark: Benchmark, split: Split, column: int, rivals: Rivals
) -> dict[str, Reading]:
    found = {}
    for name, languages in rivals.items():
        if score := languages.get(benchmark.language):
            scores = score(split.texts)[:, column]
            if not np.isnan(scores).any():
                found[name] = read_scores(benchmark, split, scores)
    return found


def _result(
    benchmark: Benchmark, split: Split, reading: Reading, rivals: dict[str, Reading], n_rounds: int
) -> Result:
    n_test = len(split.test)
    value = bootstrap(reading.measure, n_test, n_rounds)
    return Result(
        name=benchmark.name,
        language=benchmark.language,
        source=benchmark.source,
        metric=benchmark.metric,
        output=benchmark.output,
        value=value,
        target=benchmark.target,
        missed=not value.value >= benchmark.target,
        published=benchmark.published,
        threshold=reading.threshold,
        n_fit=len(split.fit),
        n_test=n_test,
        n_positive=sum(row.truth for row in split.test),
        n_reserved=split.n_reserved,
        n_trained_on=split.n_trained_on,
        rivals={name: bootstrap(r.measure, n_test, n_rounds) for name, r in rivals.items()},
        gains={
            name: bootstrap(_difference(reading.measure, r.measure), n_test, n_rounds)
            for name, r in rivals.items()
        },
    )


def _difference(one: Measure, other: Measure) -> Measure:
    return lambda weights: one(weights) - other(weights)


def _column(benchmark: Benchmark, outputs: Sequence[str]) -> int:
    if benchmark.output not in outputs:
        raise InvalidInput(benchmark.name, f"the model has no output {benchmark.output}")
    return outputs.index(benchmark.output)
