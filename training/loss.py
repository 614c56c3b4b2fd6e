"""Binary cross-entropy over the outputs that somebody decided."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def targets_and_weights(labels: Tensor, weak: Tensor, weak_weight: float) -> tuple[Tensor, Tensor]:
    """Turn labels (1, 0, -1) into targets and weights, both (B, L).

    A decided label weighs 1, an assumed absence `weak_weight`, an unknown nothing.
    """
    known = labels >= 0
    weights = known.float() + weak_weight * (weak & ~known).float()
    return labels.clamp(min=0).float(), weights


def masked_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Average the loss over weighted cells; an all-unknown batch gives zero."""
    cells = binary_cross_entropy_with_logits(logits, targets, weights, reduction="sum")
    return cells / torch.clamp(weights.sum(), min=1.0)


def output_weights(labels: npt.NDArray[np.int8], power: float) -> Tensor:
    """Weigh outputs by how rarely they are decided, 1 on average over decided cells.  # (L,)

    Otherwise the few outputs that nearly every row decides drown the others.
    """
    decided = np.maximum((labels >= 0).sum(0), 1).astype(np.float64)
    weights = decided**-power
    return torch.from_numpy(weights * decided.sum() / (weights * decided).sum()).float()
