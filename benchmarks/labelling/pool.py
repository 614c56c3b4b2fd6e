"""The pool: texts of corpora that the shipped model was not trained on, and what it says of them.

Their licences allow research only, so that nothing made of them is shipped: no text and no feature
leaves the folder of the run, and what is committed are numbers.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.corpora.duplicates import near_duplicates
from training.corpora.examples import Example, read_examples
from training.corpora.readers import SOURCES
from training.corpora.sources import HARASSMENT, HATE
from training.measuring.sentence_baseline import encode_sentences
from triage_ml.domain.sketch import sketch_of
from triage_ml.domain.taxonomy import VIOLATION, Language
from triage_ml.inference.artifact import SHIPPED
from triage_ml.inference.onnx import load_scorer
from triage_ml.policy import load_policy

CORPORA = ("en_hateval2019", "de_germs_at", "es_hateval2019", "ko_unsmile")
LABELS = (HATE, HARASSMENT)
PER_LANGUAGE = 4_000
TEST_PERCENT = 40
THINNED = {("en", HATE): 0.06, ("es", HATE): 0.10}
"""Share of positives that a language is thinned to, by chance: in what is reported a label is
rarer than in a corpus that was collected for it."""
TURN = 500


@dataclass(frozen=True, slots=True)
class Pool:
    """Texts as numbers. Labels are 1, 0 or -1 where nobody was asked."""

    keys: npt.NDArray[np.str_]  # (N,)
    languages: npt.NDArray[np.str_]  # (N,)
    labels: npt.NDArray[np.int8]  # (N, L + 1), any violation last
    logits: npt.NDArray[np.float32]  # (N, outputs): what the shipped model says, uncalibrated
    served: npt.NDArray[np.float32]  # (N, L + 1): and calibrated, as it is served
    measured: npt.NDArray[np.bool_]  # (N, L): whether the cell is measured
    vectors: npt.NDArray[np.float32]  # (N, 512): another encoder, which knows none of it
    bands: npt.NDArray[np.int32]  # (N, 32)
    signatures: npt.NDArray[np.uint8]  # (N, 96)
    tested: npt.NDArray[np.bool_]  # (N,)

    def save(self, path: Path) -> None:
        draft = path.with_suffix(".part.npz")
        np.savez(draft, **{name: getattr(self, name) for name in self.__dataclass_fields__})
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Pool":
        with np.load(path) as stored:
            return cls(**{name: stored[name] for name in cls.__dataclass_fields__})


def make_pool(data: Path) -> Pool:
    """Read, thin, split and score. Takes some minutes, most of them the shipped model's."""
    examples = _drawn(data)
    texts = [example.text for example in examples]
    languages = [Language(example.language) for example in examples]
    policy = load_policy()
    scorer = load_scorer(SHIPPED, policy.typical_severities)
    outputs = scorer.info.labels
    logits, served, measured = [], [], []
    for start in range(0, len(texts), TURN):
        turn = slice(start, start + TURN)
        logits += [reading.logits for reading in scorer.read(texts[turn])]
        for row in scorer.score(texts[turn], languages[turn]):
            by_label = {label.value: score for label, score in row.labels.items()}
            known = [by_label[name].probability for name in LABELS]
            served.append([*known, row.p_violation])
            measured.append([by_label[name].support == "measured" for name in LABELS])
        print(f"scored {len(logits)} of {len(texts)} for {len(outputs)} labels", flush=True)
    sketches = [sketch_of(text) for text in texts]
    return Pool(
        keys=np.array([example.key for example in examples]),
        languages=np.array([example.language for example in examples]),
        labels=np.array(
            [[e.label(name) for name in (*LABELS, VIOLATION)] for e in examples], np.int8
        ),
        logits=np.array(logits, np.float32),
        served=np.array(served, np.float32),
        measured=np.array(measured, bool),
        vectors=np.concatenate(
            [encode_sentences(texts[at : at + TURN]) for at in range(0, len(texts), TURN)]
        ),
        bands=np.array([sketch.bands for sketch in sketches], np.int32),
        signatures=np.array([list(sketch.signature) for sketch in sketches], np.uint8),
        tested=_tested(examples),
    )


def _drawn(data: Path) -> list[Example]:
    """Draw texts of the corpora that no corpus of the training holds, the same ones each time."""
    found = [
        example
        for example in read_examples(data, SOURCES, Counter())
        if example.research and set(example.sources) <= set(CORPORA)
    ]
    kept: list[Example] = []
    for language in ("en", "de", "es", "ko"):
        rows = [example for example in found if example.language == language]
        for (thinned, label), share in THINNED.items():
            if thinned == language:
                rows = _thin(rows, label, share)
        rows.sort(key=lambda example: _lot(example.key, "draw"))
        kept += rows[:PER_LANGUAGE]
    return kept


def _thin(rows: list[Example], label: str, share: float) -> list[Example]:
    n_others = sum(row.label(label) == 0 for row in rows)
    n_kept = round(n_others * share / (1 - share))
    positives = sorted((r for r in rows if r.label(label) == 1), key=lambda r: _lot(r.key, "thin"))
    return [row for row in rows if row.label(label) == 0] + positives[:n_kept]


def _tested(examples: list[Example]) -> npt.NDArray[np.bool_]:
    """Put texts that are nearly the same on one side."""
    clusters = near_duplicates([example.text for example in examples])
    lots = {row: _lot(examples[clusters.of(row)].key, "split") for row in range(len(examples))}
    return np.array([lots[row] < TEST_PERCENT / 100 for row in range(len(examples))])


def _lot(key: str, salt: str) -> float:
    return int(hashlib.sha256(f"{salt} {key}".encode()).hexdigest()[:8], 16) / 2**32
