"""Tables count what the arrays say, and hold no text unless asked to."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from training.learning.batches import Rows
from training.measuring import tables
from training.measuring.choice import choose_thresholds, for_precision
from training.measuring.measured import Scored

OUTPUTS = ("hate", "profanity", "violation")
N = 40


def scored(labels: np.ndarray, probabilities: np.ndarray) -> Scored:
    """Rows of one German corpus, thresholds at one half."""
    n = len(labels)
    rows = Rows(
        texts=[f"secret {i}" for i in range(n)],
        tokens=[[0] * (i + 1) for i in range(n)],
        marks=[[]] * n,
        labels=labels.astype(np.int8),
        weak=np.zeros(labels.shape, np.bool_),
        severities=np.full(labels.shape, -1, np.int8),
        languages=np.array(["de"] * n),
        sources=np.array(["de_posts"] * n),
    )
    logits = np.log(probabilities / (1 - probabilities)) / 2
    halves = np.full(labels.shape, 0.5)
    keys = tuple(f"k{i}" for i in range(n))
    return Scored(keys, rows, OUTPUTS, logits, probabilities, probabilities, halves)


@pytest.fixture
def found() -> Scored:
    """Half hateful, half not, none profane; hate is found but once, and one text is wronged."""
    hate = np.arange(N) < N // 2
    labels = np.stack([hate, np.zeros(N), hate], axis=1)
    probabilities = np.where(labels == 1, 0.8, 0.1)
    probabilities[0] = 0.01
    probabilities[-1] = 0.6
    probabilities[1:11, 1] = 0.7
    return scored(labels, probabilities)


def test_mistakes_are_named_by_key(found):
    """The surest one first."""
    wrong = tables.mistakes(found, "hate")
    assert wrong.key.tolist() == ["k0", f"k{N - 1}"]
    assert wrong.truth.tolist() == [True, False]
    assert "secret" not in wrong.to_json()


def test_texts_are_shown_when_asked_for(found):
    """And only then."""
    assert tables.mistakes(found, "hate", show_texts=True).text[0] == "secret 0"


def test_error_rates_inside_groups(found):
    """Groups without enough rows have no rate."""
    groups = np.array(["many"] * (N - 1) + ["one"])
    rates = tables.error_rates(found, "hate", groups).set_index("group")
    assert rates.loc["many", "missed"] == pytest.approx(1 / 20)
    assert rates.loc["many", "false_alarms"] == 0
    assert pd.isna(rates.loc["one", "false_alarms"])


def test_confusions_count_texts_known_not_to_have_the_other_label(found):
    """On the diagonal is what was found; where there are too few texts, nothing."""
    confused = tables.confusions(found)
    assert confused.loc["hate", "hate"] == pytest.approx(19 / 20)
    assert confused.loc["hate", "profanity"] == pytest.approx(10 / 20)
    assert confused.loc[tables.NONE, "hate"] == pytest.approx(1 / 20)
    assert pd.isna(confused.loc["profanity", "hate"])


def test_calibration_is_compared_with_raw_probabilities(found):
    """Cells without both kinds of rows are left out."""
    errors = tables.calibration_table(found).set_index("output")
    assert list(errors.index) == ["hate", "violation"]
    assert errors.loc["hate", "after"] < errors.loc["hate", "before"]


def test_a_bound_misses_less_and_alarms_more(found):
    """One half is reached sooner by what is shifted up."""
    manifest = SimpleNamespace(
        upper_shift_of=lambda output, language: 3.0,
        support_matrix=SimpleNamespace(of=lambda *_: SimpleNamespace(value="functional")),
    )
    [hate, violation] = tables.bound_table(found, manifest).to_dict("records")
    assert (hate["support"], violation["support"]) == ("functional", "measured")
    assert hate["missed"] == hate["missed_by_bound"] == pytest.approx(1 / 20)
    assert (hate["alarms"], hate["alarms_by_bound"]) == (pytest.approx(1 / 20), 1.0)


def test_a_threshold_is_judged_on_other_rows(found):
    """Chosen on some rows, its precision is that of the others."""
    worse = scored(1 - found.rows.labels, found.probabilities)
    [row] = choose_thresholds(found, worse, "hate", for_precision(0.9), 0.5).to_dict("records")
    assert (row["language"], row["threshold"]) == ("de", 0.6)
    assert row["precision"] == pytest.approx(1 / 20)


def test_length_bands_sort_as_lengths_do(found):
    """The shortest rows are in the first band."""
    bands = tables.length_bands(found)
    assert bands[0] == min(bands)
    assert bands[-1] == max(bands)
    assert len(set(bands)) == 3


def test_label_counts_are_the_summarys():
    """One row per split, language, source, output and value."""
    counted = tables.count_labels({"counts": {"dev/de/de_gahd/hate/1": 3}})
    assert counted.loc[0].tolist() == ["dev", "de", "de_gahd", "hate", 1, 3]


def test_cells_are_sorted_by_auc():
    """The worst first; the gain is over the best baseline, if there is one."""
    cell = {"language": "de", "n_positive": 9, "calibration_error": 0.1, "gains": {}}
    interval = {"low": 0.0, "high": 1.0}
    gains = {"n-grams": {"value": 0.2}, "sentences": {"value": -0.1}}
    cells = [
        cell | {"output": "hate", "auc": {"value": 0.9, **interval}},
        cell | {"output": "violation", "auc": {"value": 0.7, **interval}, "gains": gains},
    ]
    table = tables.cell_table({"cells": cells})
    assert table.output.tolist() == ["violation", "hate"]
    assert table.gain[0] == -0.1
    assert np.isnan(table.gain[1])


def test_disguises_are_sorted_by_what_they_cost():
    """None measured makes an empty table."""
    cell = {"kind": "typos", "language": "de", "n_texts": 9, "evasion": {"value": 0.2}}
    drops = [{"value": drop, "low": 0.0, "high": 0.1} for drop in (0.01, 0.05)]
    table = tables.disguise_table({"cells": [cell | {"drop": drop} for drop in drops]})
    assert table["drop"].tolist() == [0.05, 0.01]
    assert tables.disguise_table({"cells": []}).empty
