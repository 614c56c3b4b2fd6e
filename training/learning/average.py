"""A moving average of the weights, which often generalises better than the last ones.

Source: Izmailov et al. 2018, Averaging Weights Leads to Wider Optima and Better Generalization.
"""

import torch
from torch import Tensor

from training.learning.model import TriageModel

EVERY = 10
"""Steps between two updates; each costs about as long as copying the model."""


class WeightAverage:
    """Exponential moving average of the trained weights."""

    def __init__(self, weights: dict[str, Tensor], decay: float) -> None:
        self._weights = weights
        self._decay = decay

    @classmethod
    def of(cls, model: TriageModel, decay: float) -> "WeightAverage | None":
        """Start at the model's weights; without a decay there is no average."""
        if not decay:
            return None
        return cls({n: v.detach().clone() for n, v in model.trained_state().items()}, decay)

    @torch.no_grad()
    def update(self, model: TriageModel, step: int) -> None:
        """Move a little towards the model; early on faster, so that the start is forgotten."""
        if step % EVERY:
            return
        updates = step // EVERY
        decay = min(self._decay, (1 + updates) / (10 + updates))
        for name, value in model.trained_state().items():
            self._weights[name].lerp_(value.detach().to(self._weights[name].device), 1 - decay)

    def state(self) -> dict[str, Tensor]:
        return self._weights

    def load(self, weights: dict[str, Tensor]) -> None:
        self._weights = {name: value.clone() for name, value in weights.items()}
