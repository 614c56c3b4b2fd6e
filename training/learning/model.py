"""The encoder with a head per output, a severity head and a rationale head, in one pass."""

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from transformers import BertModel

from training.learning.ngrams import NgramBranch
from triage_ml.inference.ngrams import PADDING

WORD_EMBEDDINGS = "encoder.embeddings.word_embeddings.weight"
N_SEVERITY_STEPS = 4
"""Severities S0 to S4 have four steps between them."""


class Outputs(NamedTuple):
    """What the model says of a batch; all but `logits` are the heads' raw scores."""

    logits: Tensor  # (B, L + 1)
    severity: Tensor  # (B, L + 1, 4): logit of "more severe than k"
    marks: Tensor  # (B, T): logit of "this token speaks for a violation"


class TriageModel(nn.Module):
    """Texts to outputs. Word embeddings stay as they are unless asked for, and are stored unless
    they are the base's.

    `source_bias` takes up how readily each corpus says yes; it is used in training alone.
    Severity is ordinal: one score per output, cut at four thresholds in order. Source: Cao,
    Mirjalili, Raschka 2020, Rank consistent ordinal regression (CORAL).
    """

    def __init__(
        self,
        encoder: BertModel,
        n_outputs: int,
        dropout: float = 0.1,
        *,
        train_embeddings: bool = False,
        keep_embeddings: bool = False,
        n_sources: int = 1,
    ) -> None:
        super().__init__()
        self.keep_embeddings = keep_embeddings or train_embeddings
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        width = encoder.config.hidden_size
        self.head = nn.Linear(width, n_outputs)
        self.severity_head = nn.Linear(width, n_outputs)
        self.severity_steps = nn.Parameter(torch.tensor([-3.0, -1.0, 1.0, 3.0]))
        self.rationale_head = nn.Linear(width, 1)
        self.source_bias = nn.Embedding(n_sources, n_outputs)
        nn.init.zeros_(self.source_bias.weight)
        encoder.embeddings.word_embeddings.weight.requires_grad_(train_embeddings)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Outputs:
        states = cast(Any, self.encoder)(input_ids, attention_mask).last_hidden_state  # (B, T, H)
        mask = attention_mask.unsqueeze(-1).to(states.dtype)  # (B, T, 1)
        pooled = (states * mask).sum(1) / mask.sum(1).clamp(min=1.0)  # (B, H)
        pooled = self.dropout(pooled)
        severity = self.severity_head(pooled).unsqueeze(-1) - self.severity_steps  # (B, L + 1, 4)
        return Outputs(self.head(pooled), severity, self.rationale_head(states).squeeze(-1))

    def trained_state(self) -> dict[str, Tensor]:
        """Give the weights that are not the base's."""
        state = self.state_dict()
        if not self.keep_embeddings:
            del state[WORD_EMBEDDINGS]
        return state

    def load_trained_state(self, state: dict[str, Tensor]) -> None:
        """Take over weights; word embeddings that are the base's need not be among them.

        Raises: ValueError for the weights of another model.
        """
        missing, unexpected = self.load_state_dict(state, strict=False)
        if unexpected or set(missing) - (set() if self.keep_embeddings else {WORD_EMBEDDINGS}):
            raise ValueError("the weights are of another model")


class Served(nn.Module):
    """What is exported: logits, expected severities and token marks as numbers to show.

    The logits are the encoder's and the n-gram branch's, mixed per output.
    """

    def __init__(self, model: TriageModel, branch: NgramBranch) -> None:
        super().__init__()
        self.model = model
        self.table = nn.Buffer(torch.from_numpy(branch.table))  # (2^bits + 1, L + 1) int8
        self.scales = nn.Buffer(torch.from_numpy(branch.scales))  # (L + 1,)
        self.of_encoder, self.of_ngrams, self.rest = (
            nn.Buffer(torch.from_numpy(part)) for part in branch.mixture
        )  # (L + 1,) each

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, ngrams: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        found = self.model(input_ids, attention_mask)
        severity = torch.sigmoid(found.severity).sum(-1)  # (B, L + 1), 0 to 4
        weights = self.table[ngrams].float().sum(1)  # (B, N) -> (B, L + 1)
        n_ngrams = (ngrams > PADDING).sum(1, keepdim=True).clamp(min=1)  # (B, 1)
        spelled = weights * self.scales / n_ngrams.sqrt()
        logits = found.logits * self.of_encoder + spelled * self.of_ngrams + self.rest
        return logits, severity, torch.sigmoid(found.marks)


def predict_logits(model: TriageModel, ids: Tensor, mask: Tensor) -> Tensor:
    model.eval()
    with torch.inference_mode():
        return cast(Outputs, model(ids, mask)).logits
