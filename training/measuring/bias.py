"""Does a mention of a group of people move the score of `violation`?

Three AUCs per group, in each language. Subgroup: among texts that mention it. BPSN: benign
mentions against violations elsewhere; low where a mention alone raises the score. BNSP:
violations with a mention against benign texts elsewhere; low where a mention lowers it.
Source: Borkan et al. 2019, Nuanced Metrics for Measuring Unintended Bias.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.metrics import auc

TERMS = Path(__file__).parent / "identity_terms.toml"
SUFFIXES = "suffixes"
MIN_SIDE = 20
"""Rows on either side of an AUC under which it is not given."""

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
GroupBias = dict[str, float | int | None]


def measure_bias(
    texts: Sequence[str],
    languages: Sequence[str] | npt.NDArray[np.str_],
    truth: Bools,
    scores: Floats,
) -> dict[str, dict[str, GroupBias]]:
    """Give {language: {group: subgroup, bpsn, bnsp and rows}} for groups with enough rows."""
    found: dict[str, dict[str, GroupBias]] = {}
    spoken = np.asarray(languages)
    for language, groups in identity_patterns().items():
        rows = np.flatnonzero(spoken == language)
        folded = [_fold(texts[i]) for i in rows.tolist()]
        cells = {}
        for group, pattern in groups.items():
            mentions = np.array([pattern.search(text) is not None for text in folded], np.bool_)
            cell = group_bias(mentions, truth[rows], scores[rows])
            if any(cell[name] is not None for name in ("subgroup_auc", "bpsn_auc", "bnsp_auc")):
                cells[group] = cell
        if cells:
            found[language] = cells
    return found


def group_bias(mentions: Bools, truth: Bools, scores: Floats) -> GroupBias:
    """Give the three AUCs of one group, None where a side has too few rows."""
    inside = mentions
    return {
        "n_positive": int((inside & truth).sum()),
        "n_negative": int((inside & ~truth).sum()),
        "subgroup_auc": _auc_between(inside & truth, inside & ~truth, scores),
        "bpsn_auc": _auc_between(~inside & truth, inside & ~truth, scores),
        "bnsp_auc": _auc_between(inside & truth, ~inside & ~truth, scores),
    }


def worst(bias: Mapping[str, Mapping[str, GroupBias]], name: str) -> tuple[float, str] | None:
    """Find the lowest AUC of a kind and its `language/group`; None where none was given."""
    cells = (
        (float(value), f"{language}/{group}")
        for language, groups in bias.items()
        for group, cell in groups.items()
        if (value := cell[name]) is not None
    )
    return min(cells, default=None)


@cache
def identity_patterns() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    """Compile the terms of each group of each language."""
    tables = tomllib.loads(TERMS.read_text("utf-8"))
    suffixes = tables.pop(SUFFIXES)
    return {
        language: {group: _compile(terms, suffixes[language]) for group, terms in groups.items()}
        for language, groups in tables.items()
    }


def _compile(terms: Sequence[str], suffix: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_fold('|'.join(terms))})(?:{_fold(suffix)})(?!\w)")


def _fold(text: str) -> str:
    """Drop case; Turkish texts and terms write one `i`, whatever the case."""
    return text.replace("İ", "i").replace("I", "i").replace("ı", "i").casefold()


def _auc_between(positive: Bools, negative: Bools, scores: Floats) -> float | None:
    if min(int(positive.sum()), int(negative.sum())) < MIN_SIDE:
        return None
    rows = positive | negative
    return auc(positive[rows], scores[rows])
