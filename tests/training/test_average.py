"""The moving average follows the weights, seldom and slowly."""

import pytest
import torch
from torch import Tensor

from training.learning.average import EVERY, WeightAverage


class Weights:
    """A model of one number."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = torch.tensor([value])

    def trained_state(self) -> dict[str, Tensor]:
        return {"w": self.value}


def average(model: Weights, decay: float = 0.9) -> WeightAverage:
    found = WeightAverage.of(model, decay)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_without_a_decay_there_is_none() -> None:
    """Nothing is kept that nobody asked for."""
    assert WeightAverage.of(Weights(), 0.0) is None  # type: ignore[arg-type]


def test_starts_where_the_model_is_and_stays_when_it_moves() -> None:
    """The average is a copy; between two updates it does not change."""
    model = Weights(1.0)
    found = average(model)
    model.value.fill_(5.0)
    found.update(model, EVERY - 1)  # type: ignore[arg-type]
    assert found.state()["w"].item() == 1.0


def test_forgets_the_start_and_then_smooths() -> None:
    """An early update moves far, a late one by what the decay leaves."""
    for step, share in ((0, 0.9), (EVERY, 9 / 11), (1_000 * EVERY, 0.1)):
        model = Weights(0.0)
        found = average(model)
        model.value.fill_(1.0)
        found.update(model, step)  # type: ignore[arg-type]
        assert found.state()["w"].item() == pytest.approx(share)


def test_of_weights_that_swing_it_is_steadier() -> None:
    """It lies near the middle of what the model swings between."""
    model = Weights(0.0)
    found = average(model, 0.98)
    for step in range(0, 4_000, EVERY):
        model.value.fill_(float(step // EVERY % 2))
        found.update(model, step)  # type: ignore[arg-type]
    assert found.state()["w"].item() == pytest.approx(0.5, abs=0.05)


def test_a_loaded_average_is_a_copy() -> None:
    """Going on does not change what it was loaded from."""
    stored = {"w": torch.tensor([3.0])}
    found = average(Weights())
    found.load(stored)
    found.update(Weights(), 0)  # type: ignore[arg-type]
    assert stored["w"].item() == 3.0
    assert found.state()["w"].item() < 3.0
