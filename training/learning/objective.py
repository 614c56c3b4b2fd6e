"""What a training step minimises, and how its batch is made: disguises, targets, three losses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

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
from training.learning.obfuscate import augment
from training.learning.prepare import cut_tokens
from triage_ml.domain.text import normalise


@dataclass(frozen=True, slots=True)
class Objective:
    """The loss of a batch. `sources` numbers the corpora for the model's source bias."""

    experiment: Experiment
    tokenizer: Tokenizer | None
    per_output: Tensor  # (L + 1,)
    sources: dict[str, int]

    @classmethod
    def of(cls, rows: Rows, experiment: Experiment, tokenizer: Tokenizer | None) -> "Objective":
        """Fit the weights to the training rows. No tokenizer, no disguises."""
        weights = output_weights(rows.labels, experiment.output_power)
        return cls(experiment, tokenizer, weights, number_sources(rows))

    def loss(self, model: TriageModel, batch: Rows, step: int, device: torch.device) -> Tensor:
        """Give the loss of one batch; step and seed decide which rows are disguised."""
        settings = self.experiment
        batch = self._disguised(batch, step)
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
        severities = torch.from_numpy(batch.severities).to(device)
        marks = pad_marks(batch.marks, ids.shape[1]).to(device)
        return (
            loss
            + settings.severity_weight * severity_loss(found.severity.float(), severities)
            + settings.rationale_weight * rationale_loss(found.marks.float(), marks)
        )

    def _disguised(self, batch: Rows, step: int) -> Rows:
        """Disguise a share of the rows nobody marked words in; the labels stay."""
        share = self.experiment.augment_share
        if self.tokenizer is None or not share:
            return batch
        random = np.random.default_rng((self.experiment.seed, step, 1))
        tokens: list[Sequence[int]] = list(batch.tokens)
        for i in np.flatnonzero(random.random(len(batch)) < share).tolist():
            if not batch.marks[i]:
                text = augment(batch.texts[i], str(batch.languages[i]), random)
                text = self.experiment.text_prefix + normalise(text).text
                tokens[i] = cut_tokens(self.tokenizer.encode(text).ids)
        return batch.with_tokens(tokens)


def number_sources(rows: Rows) -> dict[str, int]:
    return {str(name): i for i, name in enumerate(np.unique(rows.sources))}
