"""Robustness: what a disguise costs is measured on the texts it changes, and nothing else."""

import numpy as np
import pytest

from training.learning.obfuscate import kinds_for
from training.measuring.robustness import Robustness, measure_robustness
from training.metrics import Floats

N = 60
TRUTH = np.arange(N) % 2 == 0
TEXTS = [f"{'horrid' if bad else 'lovely'} people number {'x' * i}" for i, bad in enumerate(TRUTH)]


def by_word(texts: list[str]) -> Floats:
    """Score a text by one word, which any letter out of place hides."""
    return np.array([0.9 if "horrid" in text else 0.1 for text in texts])


def by_word_in_any_case(texts: list[str]) -> Floats:
    return by_word([text.lower() for text in texts])


def measure(score=by_word, language: str = "en", **options) -> dict[str, Robustness]:
    base = score(TEXTS)
    cells = measure_robustness(
        score, TEXTS, [language] * N, TRUTH, base, 7, n_rounds=100, **options
    )
    return {cell.kind: cell for cell in cells}


def test_each_kind_of_the_language_is_measured() -> None:
    """Every kind that changes enough texts has its cell, in the kinds' order."""
    assert tuple(measure()) == kinds_for("en")


def test_a_disguise_the_model_does_not_see_through_costs_auc() -> None:
    """Words hidden from the scorer lower its AUC, by less than the whole lead over chance."""
    drop = measure()["spacing"].drop
    assert 0.05 < drop.low <= drop.value <= drop.high < 0.5


def test_a_disguise_the_model_sees_through_costs_nothing() -> None:
    """A scorer blind to case loses nothing to case."""
    assert measure(by_word_in_any_case)["case"].drop.value == 0.0
    assert measure()["case"].drop.value > 0.0


def test_evasion_changes_the_violating_texts_alone() -> None:
    """A scorer that takes any sign as a violation loses by drop, and gains by evasion."""

    def by_sign(texts: list[str]) -> Floats:
        return np.array([float("*" in t or "#" in t) + 0.1 * ("horrid" in t) for t in texts])

    cell = measure(by_sign)["masking"]
    assert cell.drop.value > cell.evasion.value
    assert cell.evasion.value <= 0.0


def test_the_seed_decides() -> None:
    """Measuring again gives the same numbers."""
    assert measure() == measure()


def test_only_changed_texts_are_scored_and_counted() -> None:
    """Texts without an umlaut take no part in what umlauts cost."""
    texts = [f"{text} schön" if i % 3 == 0 else text for i, text in enumerate(TEXTS)]
    seen: list[str] = []

    def remember(asked: list[str]) -> Floats:
        seen.extend(asked)
        return by_word(asked)

    cells = measure_robustness(
        remember, texts, ["de"] * N, TRUTH, by_word(texts), 7, n_rounds=10, min_texts=10
    )
    cell = next(cell for cell in cells if cell.kind == "german_umlaut")
    assert (cell.n_texts, cell.n_violating) == (N // 3, N // 6)
    assert len(seen) == sum(cell.n_texts for cell in cells)


def test_small_cells_are_left_out() -> None:
    """With too few texts of either truth there is no number."""
    assert measure(min_texts=N) == {}
    assert measure(language="fr") == {}


def test_languages_are_measured_apart() -> None:
    """A cell is the same whether another language stands beside it or not."""
    base = by_word(TEXTS)
    both = measure_robustness(
        by_word,
        [*TEXTS, *TEXTS],
        ["en"] * N + ["es"] * N,
        np.tile(TRUTH, 2),
        np.tile(base, 2),
        7,
        n_rounds=100,
    )
    assert {cell.kind: cell for cell in both if cell.language == "en"} == measure()
    assert {cell.language for cell in both} == {"en", "es"}


def test_columns_of_different_length_are_refused() -> None:
    """A score too few is an error, not a shift of all that follow."""
    with pytest.raises(ValueError, match="differ in length"):
        measure_robustness(by_word, TEXTS, ["en"] * N, TRUTH, by_word(TEXTS)[1:], 7)
