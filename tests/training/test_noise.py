"""Verdicts of several people on one text, joined into a probability."""

import numpy as np
import pytest

from benchmarks.noise import Condition, simulate
from training.feedback.noise import NoiseModel, Votes, decided, probabilities

CAREFUL = range(1, 6)
CARELESS = 0


def votes(rows, sure=()) -> Votes:
    texts, people, values = np.array(rows, dtype=np.int64).T
    return Votes(texts, people, values, np.isin(np.arange(len(rows)), sure))


def simulated(n_texts=400, seed=3):
    """Every text is judged by three: the careless one throws a coin, the others err in 5 %."""
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, 2, n_texts)
    rows = []
    for text, right in enumerate(truth):
        for person in [CARELESS, *chance.choice(CAREFUL, 2, replace=False)]:
            errs = chance.random() < (0.5 if person == CARELESS else 0.05)
            rows.append((text, person, right ^ errs))
    return rows, truth


@pytest.mark.parametrize("model", NoiseModel)
def test_everybody_agrees(model):
    p = probabilities(votes([(0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 0)]), 3, model)
    assert p[0] > 0.95
    assert p[1] < 0.05
    assert p[2] == 0.5  # nobody judged it


@pytest.mark.parametrize("model", NoiseModel)
def test_one_verdict_of_somebody_unknown_decides(model):
    """What people are taken for is enough for a label, and its confidence says how far."""
    p = probabilities(votes([(0, 0, 1), (1, 0, 0)]), 2, model)
    assert [decided(x) for x in p] == [1, 0]
    assert 0.8 < p[0] < 0.97


@pytest.mark.parametrize("model", NoiseModel)
def test_an_even_split_of_equals_decides_nothing(model):
    p = probabilities(votes([(0, 0, 1), (0, 1, 0)]), 1, model)
    assert decided(p[0]) in (None, 1)
    assert decided(0.5) is None


@pytest.mark.parametrize("model", [NoiseModel.DAWID_SKENE, NoiseModel.MACE])
def test_who_throws_a_coin_is_found_out(model):
    """Alone, the careless one counts for little and a careful one for much."""
    rows, _ = simulated()
    p = probabilities(votes([*rows, (400, CARELESS, 1), (401, 1, 1)]), 402, model)
    assert abs(p[400] - 0.5) < 0.2
    assert p[401] > 0.85


def test_dawid_skene_is_nearer_to_the_truth_than_the_majority():
    """Where a label is rare and people are not equally good."""
    given, truth = simulate(Condition(6, 0.3, 0.1, "mixed"), seed=0)
    wrong = {
        model: float(((probabilities(given, len(truth), model) - truth) ** 2).mean())
        for model in (NoiseModel.DAWID_SKENE, NoiseModel.MAJORITY)
    }
    assert wrong[NoiseModel.DAWID_SKENE] < 0.6 * wrong[NoiseModel.MAJORITY]


def test_a_golden_verdict_outweighs_two_others():
    rows = [(0, 1, 0), (0, 2, 0), (0, 3, 1)]
    assert probabilities(votes(rows), 1, NoiseModel.DAWID_SKENE)[0] < 0.3
    assert decided(probabilities(votes(rows, [2]), 1, NoiseModel.DAWID_SKENE)[0]) != 0


def test_labels_that_all_say_the_same_are_no_reason_to_fail():
    rows = [(text, person, 1) for text in range(50) for person in (0, 1)]
    p = probabilities(votes(rows), 50, NoiseModel.DAWID_SKENE)
    assert (p > 0.9).all()


def test_the_same_verdicts_give_the_same_numbers():
    rows, _ = simulated(200)
    for model in NoiseModel:
        first, again = (probabilities(votes(rows), 200, model) for _ in range(2))
        assert (first == again).all()
