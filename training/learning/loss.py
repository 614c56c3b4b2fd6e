"""Losses over what somebody decided: outputs, severities, rationales."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def targets_and_weights(
    labels: Tensor, weak: Tensor, weak_weight: float, weak_label_weight: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Turn labels (1, 0, -1) into targets and weights, both (B, L).

    A rater's label weighs 1, a weak source's `weak_label_weight`, an assumed absence
    `weak_weight`, an unknown nothing.
    """
    known = labels >= 0
    weights = (known & ~weak).float() + weak_label_weight * (known & weak).float()
    weights = weights + weak_weight * (weak & ~known).float()
    return labels.clamp(min=0).float(), weights


def masked_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Average the loss over weighted cells; an all-unknown batch gives zero."""
    cells = binary_cross_entropy_with_logits(logits, targets, weights, reduction="sum")
    return cells / torch.clamp(weights.sum(), min=1.0)


def severity_loss(scores: Tensor, severities: Tensor) -> Tensor:
    """Compare the steps (B, L, 4) with severities (B, L) in 0-4; -1 is unknown."""
    steps = torch.arange(scores.shape[-1], device=scores.device)
    above = (severities.unsqueeze(-1) > steps).float()  # (B, L, 4)
    known = (severities >= 0).unsqueeze(-1).float().expand_as(above)
    return masked_loss(scores, above, known)


def rationale_loss(marks: Tensor, wanted: Tensor) -> Tensor:
    """Compare token scores (B, T) with marks 1, 0 or -1 (nobody was asked)."""
    return masked_loss(marks, wanted.clamp(min=0).float(), (wanted >= 0).float())


def output_weights(labels: npt.NDArray[np.int8], power: float) -> Tensor:
    """Weigh outputs by how rarely they are decided, 1 on average over decided cells.  # (L,)

    Otherwise the few outputs that nearly every row decides drown the others.
    """
    decided = (labels >= 0).sum(0).astype(np.float64)
    weights = np.maximum(decided, 1) ** -power
    total = (weights * decided).sum() or 1.0
    return torch.from_numpy(weights * decided.sum() / total).float()
