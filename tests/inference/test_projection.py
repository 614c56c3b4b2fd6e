"""Vectors of crowds of texts: the same everywhere, alike for like texts."""

import numpy as np
import pytest

from triage_ml.domain.drift import N_DIMS
from triage_ml.inference.projection import TEXTS_AT_ONCE, project


def test_a_vector_is_about_as_long_for_any_text():
    found = project(["a short one", "a much longer text " * 40, "짧은 글"])
    assert found.shape == (3, N_DIMS)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=0.5)


def test_texts_without_letters_that_count_are_left_out():
    assert project([]).shape == (0, N_DIMS)
    assert len(project(["", "\u200b", "x"])) == 1


def test_like_texts_are_near_each_other():
    """So are spellings that differ in case and accents."""
    a, b, c = project(["please pay the parcel fee", "Pléase pay the parcel fee", "guten Morgen"])
    assert np.linalg.norm(a - b) < 0.2 < np.linalg.norm(a - c)


def test_a_text_has_the_same_vector_alone_and_among_others():
    texts = [f"text number {n}" for n in range(TEXTS_AT_ONCE + 3)]
    assert project(texts)[-1] == pytest.approx(project(texts[-1:])[0])


def test_vectors_never_change():
    """Sums of earlier days are compared with those of later ones."""
    [found] = project(["a fixed text"])
    assert found[:4] == pytest.approx(EXPECTED, abs=1e-6)


EXPECTED = (-0.0340207, 0.0340207, -0.1701035, 0.1020621)
