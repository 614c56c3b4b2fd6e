"""The encoder with one linear head over its mean-pooled states."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import BertModel

WORD_EMBEDDINGS = "encoder.embeddings.word_embeddings.weight"


class TriageModel(nn.Module):
    """Texts to logits, one per output. Word embeddings stay as they are unless asked for."""

    def __init__(
        self,
        encoder: BertModel,
        n_outputs: int,
        dropout: float = 0.1,
        *,
        train_embeddings: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, n_outputs)
        encoder.embeddings.word_embeddings.weight.requires_grad_(train_embeddings)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states = cast(Any, self.encoder)(input_ids, attention_mask).last_hidden_state  # (B, T, H)
        mask = attention_mask.unsqueeze(-1).to(states.dtype)  # (B, T, 1)
        pooled = (states * mask).sum(1) / mask.sum(1).clamp(min=1.0)  # (B, H)
        return cast(Tensor, self.head(self.dropout(pooled)))  # (B, L + 1)

    def trained_state(self) -> dict[str, Tensor]:
        """Give the weights that training changes; the frozen ones come from the base."""
        frozen = {name for name, value in self.named_parameters() if not value.requires_grad}
        return {name: value for name, value in self.state_dict().items() if name not in frozen}

    def load_trained_state(self, state: dict[str, Tensor]) -> None:
        """Take over weights; word embeddings that are not among them stay the base's.

        Raises: ValueError for the weights of another model.
        """
        missing, unexpected = self.load_state_dict(state, strict=False)
        if unexpected or set(missing) - {WORD_EMBEDDINGS}:
            raise ValueError("the weights are of another model")


def predict_logits(model: TriageModel, ids: Tensor, mask: Tensor) -> Tensor:
    model.eval()
    with torch.inference_mode():
        return cast(Tensor, model(ids, mask))
