"""Losses count what somebody decided, and nothing else."""

import numpy as np
import pytest
import torch

from training.learning.loss import (
    output_weights,
    rationale_loss,
    severity_loss,
    targets_and_weights,
)


def test_a_weak_sources_label_has_its_own_weight() -> None:
    """A rater's word 1, a weak label less, an assumed absence less still, an unknown nothing."""
    labels = torch.tensor([[1, 1, -1, -1]], dtype=torch.int8)
    weak = torch.tensor([[False, True, True, False]])
    targets, weights = targets_and_weights(labels, weak, 0.2, 0.4)
    assert weights.tolist() == [[1.0, pytest.approx(0.4), pytest.approx(0.2), 0.0]]
    assert targets.tolist() == [[1.0, 1.0, 0.0, 0.0]]


def test_severity_is_cheapest_at_the_graded_step() -> None:
    """Of the five places a severity can lie, the graded one costs least."""
    steps = torch.arange(4)
    places = [torch.where(steps < k, 3.0, -3.0)[None, None] for k in range(5)]
    for grade in range(5):
        costs = [severity_loss(p, torch.tensor([[grade]])).item() for p in places]
        assert int(np.argmin(costs)) == grade


def test_an_ungraded_severity_gives_no_gradient() -> None:
    """Only graded cells move the model; none at all cost nothing."""
    scores = torch.randn(2, 2, 4, requires_grad=True)
    severity_loss(scores, torch.tensor([[3, -1], [-1, -1]], dtype=torch.int8)).backward()
    assert scores.grad is not None
    assert scores.grad[0, 0].abs().min() > 0
    assert scores.grad.abs().sum() == scores.grad[0, 0].abs().sum()
    assert severity_loss(scores, torch.full((2, 2), -1)).item() == 0.0


def test_a_token_nobody_was_asked_about_gives_no_gradient() -> None:
    """Unmarked tokens of a marked text count as not meant, unknown ones not at all."""
    marks = torch.zeros(2, 3, requires_grad=True)
    rationale_loss(marks, torch.tensor([[1, 0, -1], [-1, -1, -1]], dtype=torch.int8)).backward()
    assert marks.grad is not None
    assert marks.grad[0].tolist() == [pytest.approx(-0.25), pytest.approx(0.25), 0.0]
    assert marks.grad[1].abs().sum() == 0
    assert rationale_loss(marks, torch.full((2, 3), -1)).item() == 0.0


@pytest.mark.parametrize("power", [0.0, 0.35, 1.0])
def test_rarely_decided_outputs_weigh_more(power: float) -> None:
    """The average over decided cells stays 1, so that the loss keeps its size."""
    labels = np.full((100, 3), -1, np.int8)
    labels[:, 0], labels[:25, 1] = 0, 1
    weights = output_weights(labels, power).numpy()
    decided = np.array([100, 25, 0])
    assert (weights * decided).sum() / decided.sum() == pytest.approx(1.0)
    assert weights[1] / weights[0] == pytest.approx(4**power)
