"""Figures hold what the arrays say."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from training.measuring.plots import confusion, count_confusion, precision_recall, reliability
from training.tracking import MlflowTracker, NullTracker, artifact_place, store_uri

TRUTH = np.array([0, 0, 1, 1] * 20, np.bool_)
PROBABILITIES = np.tile([0.1, 0.6, 0.4, 0.9], 20)
LANGUAGES = np.repeat(["de", "ko"], 40)


@pytest.mark.parametrize("draw", [reliability, confusion])
def test_each_language_has_its_panel(draw):
    """With the number of rows behind it."""
    figure = draw(TRUTH, PROBABILITIES, LANGUAGES, "any violation")
    assert [axes.get_title() for axes in figure.axes] == ["de, 40 rows", "ko, 40 rows"]


def test_each_language_has_its_line():
    """With its average precision."""
    [axes] = precision_recall(TRUTH, PROBABILITIES, LANGUAGES, "hate").axes
    assert [line.get_label() for line in axes.lines] == ["de (0.83)", "ko (0.83)"]


def test_confusion_counts_rows():
    """Truth down, flag across; the threshold itself is flagged."""
    counts = count_confusion(TRUTH[:4], PROBABILITIES[:4], 0.6)
    assert counts.tolist() == [[1, 1], [1, 1]]
    assert count_confusion(TRUTH[:4], PROBABILITIES[:4], 0.95).tolist() == [[2, 0], [2, 0]]
    texts = confusion(TRUTH, PROBABILITIES, LANGUAGES, "hate").axes[0].texts
    assert [text.get_text() for text in texts] == ["10\n50%"] * 4


@pytest.mark.parametrize("draw", [precision_recall, reliability, confusion])
def test_a_language_of_one_kind_of_rows_is_left_out(draw):
    """Nothing can be drawn of it, and a figure without any language is empty."""
    figure = draw(np.zeros(80, np.bool_), PROBABILITIES, LANGUAGES, "hate")
    assert [list(axes.lines) for axes in figure.axes] == [[]]


def test_a_run_keeps_figures_as_images(tmp_path):
    """Under `plots`; without a store they are dropped."""
    figure = reliability(TRUTH, PROBABILITIES, LANGUAGES, "hate")

    class Store:
        def log_figure(self, figure, place: str) -> None:
            (tmp_path / place).parent.mkdir()
            figure.savefig(tmp_path / place)

    MlflowTracker(Store()).figure("reliability", figure)
    assert (tmp_path / "plots/reliability.png").read_bytes().startswith(b"\x89PNG")
    NullTracker().figure("reliability", figure)
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize(
    ("given", "uri", "local"),
    [
        (None, "sqlite:////place/mlflow.db", True),
        ("postgresql://u@h/d?host=/s", "postgresql+psycopg://u@h/d?host=/s", True),
        ("postgres://h/d", "postgresql+psycopg://h/d", True),
        ("postgresql+psycopg2://h/d", "postgresql+psycopg2://h/d", True),
        ("http://h:5000", "http://h:5000", False),
    ],
)
def test_a_store_is_named_by_one_address(given, uri, local):
    """PostgreSQL is reached by the driver that is installed; files lie under the root."""
    root = Path("/place")
    assert store_uri(given, root) == uri
    assert artifact_place(uri, root) == ("file:///place/mlartifacts" if local else None)
