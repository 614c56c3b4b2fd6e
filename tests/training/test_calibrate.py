"""Calibration, thresholds and upper bounds on logits whose truth is drawn from a known rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.measuring.calibrate import (
    MAX_SHIFT,
    MIN_ROWS,
    MIN_SHIFT,
    MIN_THRESHOLD,
    MISS_RATE,
    NO_THRESHOLD,
    PREVALENCE,
    Evidence,
    calibrate_output,
    calibrated_logits,
    conformal_quantile,
    fit_beta,
    thresholds,
    upper_shifts,
)
from training.metrics import calibration_by_chance, calibration_error, sigmoid
from triage_ml.inference.artifact import POOLED, Calibration

AS_IT_IS = {POOLED: Calibration.platt(1.0, 0.0)}
NOTHING = Evidence(np.zeros(0), np.zeros(0, np.bool_))


def draw(fit: Calibration, n: int = 6_000, seed: int = 0) -> Evidence:
    """Draw logits, and truths from a known calibration."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, n)
    return Evidence(logits, random.random(n) < sigmoid(calibrated_logits(fit, logits)))


def positives(logits: np.ndarray) -> Evidence:
    return Evidence(logits, np.ones(len(logits), np.bool_))


@pytest.mark.parametrize(("slope", "slope_below", "intercept"), [(0.6, 0.6, -1.2), (1.5, 0.5, 0.4)])
def test_recovers_a_known_calibration(slope: float, slope_below: float, intercept: float) -> None:
    """The fit says what the truths were drawn from, at either end of the scale."""
    known = Calibration(slope=slope, slope_below=slope_below, intercept=intercept)
    evidence = draw(known, 20_000)
    fit = fit_beta(evidence.logits, evidence.truth)
    at = np.linspace(-3, 3, 7)
    said, expected = (sigmoid(calibrated_logits(f, at)) for f in (fit, known))
    assert said == pytest.approx(expected, abs=0.03)


def test_calibration_lowers_the_error() -> None:
    """Calibrated probabilities are closer to the observed shares."""
    evidence = draw(Calibration(slope=0.3, slope_below=0.8, intercept=1.0))
    fit = fit_beta(evidence.logits, evidence.truth)
    before = calibration_error(evidence.truth, sigmoid(evidence.logits))
    after = calibration_error(evidence.truth, sigmoid(calibrated_logits(fit, evidence.logits)))
    assert after < 0.03 < before


@pytest.mark.parametrize("n_rows", [300, 2_000])
def test_right_probabilities_show_the_error_of_chance(n_rows: int) -> None:
    """In the mean of many draws, to a twentieth."""
    dice = np.random.default_rng(3)
    probabilities = dice.beta(0.9, 1.1, n_rows)
    shown = [
        calibration_error(dice.random(n_rows) < probabilities, probabilities) for _ in range(400)
    ]
    assert calibration_by_chance(probabilities) == pytest.approx(np.mean(shown), rel=0.05)


def test_scores_without_information_never_turn_around() -> None:
    """A model that ranks backwards gets slopes of 0, not negative ones."""
    forwards = draw(Calibration.platt(1.0, 0.0))
    fit = fit_beta(-forwards.logits, forwards.truth)
    assert (fit.slope, fit.slope_below) == (pytest.approx(0, abs=1e-6), pytest.approx(0, abs=1e-6))


def test_one_class_alone_gives_no_certainty() -> None:
    """Without a single negative the fit stays finite and short of 1."""
    fit = fit_beta(np.linspace(-2, 2, 50), np.ones(50, np.bool_))
    assert 0.5 < fit.probability(0.0) < 0.999


@given(
    st.floats(0, 5), st.floats(0, 5), st.floats(-9, 9), st.lists(st.floats(-30, 30), max_size=20)
)
def test_training_and_serving_calibrate_alike(
    slope: float, slope_below: float, intercept: float, logits: list[float]
) -> None:
    """The array form gives what the manifest's own formula gives, and never reverses an order."""
    fit = Calibration(slope=slope, slope_below=slope_below, intercept=intercept)
    found = calibrated_logits(fit, np.array(sorted(logits)))
    assert found == pytest.approx([fit.logit(x) for x in sorted(logits)], abs=1e-6)
    assert (np.diff(found) >= -1e-9).all()


def test_a_language_with_few_rows_takes_the_pooled_calibration() -> None:
    """A language without enough rows of both kinds has no calibration of its own."""
    truth = np.arange(2 * MIN_ROWS - 1) % 2 == 0  # one negative too few
    evidence = {"en": draw(AS_IT_IS[POOLED]), "es": Evidence(np.zeros(len(truth)), truth)}
    assert set(calibrate_output(evidence)) == {"en", POOLED}


@pytest.mark.parametrize("n_positive", [10, 19, 25, 200])
def test_new_positives_stay_under_one_half_as_rarely_as_promised(n_positive: int) -> None:
    """Over many calibration samples, the bound misses no more new positives than MISS_RATE.

    The logits are calibrated already and the shifts inside their limits: then it is exact.
    """
    random = np.random.default_rng(n_positive)
    missed = []
    for _ in range(2_000):
        seen, new = random.normal(-1.2, 0.6, n_positive), random.normal(-1.2, 0.6, 200)
        shift = upper_shifts(AS_IT_IS, {"en": positives(seen)})["en"]
        missed.append((new + shift < 0).mean())
    assert np.mean(missed) == pytest.approx(MISS_RATE, abs=0.06)
    assert np.mean(missed) <= MISS_RATE + 0.005


def test_the_quantile_is_one_of_the_scores() -> None:
    """With nineteen scores a tenth lies under the second; with eight nothing can be promised."""
    scores = np.arange(19)[::-1].astype(float)
    assert conformal_quantile(scores, 0.1) == 1.0
    assert conformal_quantile(scores[:8], 0.1) == -np.inf


def test_a_language_without_positives_takes_the_largest_shift() -> None:
    """Its bound is that of the language that needed most."""
    found = upper_shifts(
        AS_IT_IS,
        {"en": positives(np.full(30, -1.5)), "de": positives(np.full(30, -2.5)), "ko": NOTHING},
    )
    assert found == {"en": 1.5, "de": 2.5, POOLED: 2.5}


def test_a_shift_has_a_least_and_a_largest_size() -> None:
    """Positives far above one half, and ones no shift should reach."""
    high, low = positives(np.full(30, 5.0)), positives(np.full(30, -50.0))
    assert upper_shifts(AS_IT_IS, {"en": high, "de": low}) == {
        "en": MIN_SHIFT,
        "de": MAX_SHIFT,
        POOLED: MAX_SHIFT,
    }
    assert upper_shifts(AS_IT_IS, {"ko": NOTHING}) == {POOLED: MIN_SHIFT}


def precision_of(rows: Evidence, probabilities: np.ndarray, threshold: float) -> float:
    """Give the precision among what is flagged if PREVALENCE of the texts were positive."""
    flagged = probabilities >= threshold
    recall, alarms = (flagged[side].mean() for side in (rows.truth, ~rows.truth))
    share = min(PREVALENCE, rows.truth.mean())
    return recall * share / (recall * share + alarms * (1 - share))


@pytest.mark.parametrize("precision", [0.6, 0.8, 0.9])
def test_a_threshold_reaches_its_precision(precision: float) -> None:
    """On the rows it was chosen on, counted as a stream with fewer positives would be."""
    evidence = {"en": draw(AS_IT_IS[POOLED]), "ko": draw(Calibration.platt(1.0, -4.0), seed=1)}
    fits = calibrate_output(evidence)
    chosen = thresholds(fits, evidence, precision)
    assert set(chosen) == {"en", "ko", POOLED}
    assert evidence["en"].truth.mean() > PREVALENCE > evidence["ko"].truth.mean()
    for language, rows in evidence.items():
        probabilities = sigmoid(calibrated_logits(fits[language], rows.logits))
        assert precision_of(rows, probabilities, chosen[language]) >= precision - 0.005
        lower = np.sort(probabilities[probabilities < chosen[language] - 0.02])[-1]
        assert precision_of(rows, probabilities, lower) < precision


def test_a_threshold_rests_on_more_than_a_few_rows() -> None:
    """The five highest are right by luck; where no cut is precise, the best F1 decides."""
    logits = np.repeat([3.0, 2.0, 1.0, 0.0], [5, 30, 30, 100])
    truth = np.repeat([True, False, True, False], [5, 30, 30, 100])
    found = thresholds(AS_IT_IS, {"en": Evidence(logits, truth)}, 0.9)
    assert found[POOLED] == pytest.approx(sigmoid(np.float64(1.0)), abs=1e-4)


def test_one_side_alone_gives_a_high_threshold() -> None:
    """Nothing is shown by chance where there is no row to tell it from."""
    for rows in (positives(np.zeros(100)), Evidence(np.zeros(100), np.zeros(100, np.bool_))):
        assert thresholds(AS_IT_IS, {"en": rows}, 0.8) == {POOLED: NO_THRESHOLD}


def test_a_threshold_has_a_least_value() -> None:
    """What is improbable is not shown, however well the corpora can be told apart."""
    rows = Evidence(np.repeat([-6.0, -9.0], 100), np.repeat([True, False], 100))
    assert thresholds(AS_IT_IS, {"en": rows}, 0.8) == {POOLED: MIN_THRESHOLD}
