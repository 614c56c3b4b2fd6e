"""What a training step minimises: targets and three losses."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from training.config import Experiment
from training.learning.batches import Rows, pad, pad_marks
from training.learning.loss import (
    masked_loss,
    output_weights,
    rationale_loss,
    severity_loss,
    targets_and_weights,
)
from training.learning.model import TriageModel
from triage_ml.inference.artifact import DECISIONS


@dataclass(frozen=True, slots=True)
class Objective:
    """The loss of a batch. `sources` numbers the corpora for the model's source bias."""

    experiment: Experiment
    per_output: Tensor  # (L + 1,)
    sources: dict[str, int]
    teacher: TriageModel | None = None

    @classmethod
    def of(
        cls, rows: Rows, experiment: Experiment, teacher: TriageModel | None = None
    ) -> "Objective":
        """Fit the weights to the training rows."""
        weights = output_weights(rows.labels, experiment.output_power)
        return cls(experiment, weights, number_sources(rows), teacher)

    def loss(self, model: TriageModel, batch: Rows, device: torch.device) -> Tensor:
        """Give the loss of one batch."""
        settings = self.experiment
        ids, mask = pad(batch.tokens, settings.train_max_tokens)  # (B, T)
        labels, weak = torch.from_numpy(batch.labels), torch.from_numpy(batch.weak)
        targets, weights = targets_and_weights(
            labels, weak, settings.weak_weight, settings.weak_label_weight
        )  # (B, L + 1)
        sources = torch.tensor([self.sources.get(str(name), 0) for name in batch.sources])
        with torch.autocast(device.type, torch.bfloat16):
            found = model(ids.to(device), mask.to(device))
        logits = found.logits.float() + model.source_bias(sources.to(device))
        loss = masked_loss(logits, targets.to(device), (weights * self.per_output).to(device))
        if self.teacher:
            soft = self._as_the_teacher(found.logits.float(), ids.to(device), mask.to(device))
            if settings.from_artifact:
                public = torch.from_numpy(batch.sources != DECISIONS).to(device)  # (B,)
                loss = loss + settings.keep_weight * (soft.mean(1) * public).mean()
            else:
                loss = (1 - settings.distil_weight) * loss + settings.distil_weight * soft.mean()
        severities = torch.from_numpy(batch.severities).to(device)
        marks = pad_marks(batch.marks, ids.shape[1]).to(device)
        return (
            loss
            + settings.severity_weight * severity_loss(found.severity.float(), severities)
            + settings.rationale_weight * rationale_loss(found.marks.float(), marks)
        )

    def _as_the_teacher(self, logits: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """Compare with the teacher's probabilities, which speak of every output.  # (B, L + 1)

        Source: Hinton, Vinyals, Dean 2015, Distilling the knowledge in a neural network; Li, Hoiem
        2016, Learning without forgetting.
        """
        teacher = cast(TriageModel, self.teacher).to(ids.device)
        with torch.no_grad(), torch.autocast(ids.device.type, torch.bfloat16):
            wanted = torch.sigmoid(teacher(ids, mask).logits.float())
        return binary_cross_entropy_with_logits(logits, wanted, reduction="none")


def number_sources(rows: Rows) -> dict[str, int]:
    return {str(name): i for i, name in enumerate(np.unique(rows.sources))}
