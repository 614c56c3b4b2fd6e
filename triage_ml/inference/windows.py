"""From texts to token windows, and from windows to batches under a budget.

A text longer than the model reads at once is cut into overlapping windows that together cover
every token; each is framed like a whole text, with the special tokens and the prefix.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from triage_ml.domain.text import NormalisedText, normalise

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Window:
    """Framed token ids of one stretch of the text at index `text`, from body token `start` on."""

    text: int
    ids: tuple[int, ...]
    start: int = 0


class Framer:
    """Turns texts into framed windows.

    `head` and `tail` stand around every window: special tokens, and the prefix in the head.
    Raises: ValueError when they leave no room for the overlap and a token more.
    """

    def __init__(self, tokenizer: Tokenizer, prefix: str, max_tokens: int, overlap: int) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        # "</s>" written in a text is text: nobody may frame it for us.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._prefix = prefix
        self._overlap = overlap
        n_special = tokenizer.num_special_tokens_to_add(is_pair=False)
        frame = tokenizer.encode(prefix.rstrip()).ids
        n_tail = n_special // 2
        self.head = tuple(frame[: len(frame) - n_tail])
        self.tail = tuple(frame[len(frame) - n_tail :])
        self.capacity = max_tokens - len(frame)
        if self.capacity <= overlap:
            raise ValueError(f"{max_tokens} tokens leave {self.capacity} beside the frame")

    def windows(self, texts: Sequence[str]) -> list[Window]:
        """Give the windows of all texts, in order."""
        return [
            Window(index, (*self.head, *body[start:end], *self.tail), start)
            for index, text in enumerate(texts)
            for body in [self.body(text)]
            for start, end in stretches(len(body), self.capacity, self._overlap)
        ]

    def body(self, text: str) -> list[int]:
        """Give the token ids of the normalised text, without the frame."""
        ids: list[int] = self._tokenizer.encode(self._prefix + normalise(text).text).ids
        return ids[len(self.head) : len(ids) - len(self.tail)]

    def places(self, text: str) -> tuple[NormalisedText, list[tuple[int, int]]]:
        """Give the normalised text and, per body token, its characters [start, end) there."""
        clean = normalise(text)
        offsets = self._tokenizer.encode(self._prefix + clean.text).offsets
        body = offsets[len(self.head) : len(offsets) - len(self.tail)]
        n_prefix = len(self._prefix)
        moved = [(max(start - n_prefix, 0), max(end - n_prefix, 0)) for start, end in body]
        return clean, moved


def stretches(n_tokens: int, capacity: int, overlap: int) -> list[tuple[int, int]]:
    """Cover `n_tokens` with stretches of at most `capacity` that overlap by at least `overlap`.

    The last one ends with the text and is as long as the others.
    """
    if n_tokens <= capacity:
        return [(0, n_tokens)]
    last = n_tokens - capacity
    return [(start, start + capacity) for start in (*range(0, last, capacity - overlap), last)]


def batches(lengths: Sequence[int], max_batch_tokens: int) -> Iterator[list[int]]:
    """Group indices by similar length; rows × longest row stays within `max_batch_tokens`.

    A row longer than the budget gets a batch of its own.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        # Sorted upwards: the row that joins is the longest.
        if batch and (len(batch) + 1) * lengths[index] > max_batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def pad(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Ints, Ints]:
    """Give input_ids and attention_mask, both (B, T) int64."""
    width = max(len(row) for row in rows)
    ids = np.full((len(rows), width), pad_id, np.int64)
    mask = np.zeros((len(rows), width), np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return ids, mask
