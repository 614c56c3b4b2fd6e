"""From texts to token windows, and from windows to batches under a budget.

A text longer than the model reads at once is cut into overlapping windows that together cover
every token; each is framed like a whole text, with the special tokens and the prefix.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from triage_ml.domain.text import NormalisedText, normalise

Ints = npt.NDArray[np.int64]

BATCH_TOKENS = 256
"""Padded tokens of a batch. 512 are no faster, and a text waits longer for the batch before it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A normalised text and its framed tokens, which all windows of the text share."""

    clean: NormalisedText = field(repr=False)  # item text reaches no log
    encoding: Encoding = field(repr=False)


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of the text at index `text`, from body token `start` on.

    `ids` are its framed tokens, [begin, end) its own letters in the normalised text.
    """

    text: int
    ids: tuple[int, ...]
    start: int
    source: Source
    begin: int
    end: int

    @property
    def n_tokens(self) -> int:
        return len(self.ids)

    @property
    def letters(self) -> str:
        return self.source.clean.text[self.begin : self.end]


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
        """Give the windows of all original texts, in order."""
        return [window for i, text in enumerate(texts) for window in self.cut(normalise(text), i)]

    def cut(self, clean: NormalisedText, index: int = 0) -> Iterator[Window]:
        """Give the windows of one text."""
        source = Source(clean, self._tokenizer.encode(self._prefix + clean.text))
        body: list[int] = source.encoding.ids[len(self.head) : -len(self.tail) or None]
        cuts = stretches(len(body), self.capacity, self._overlap)
        places = share_out(self.places(source)) if len(cuts) > 1 else []
        for start, end in cuts:
            ids = (*self.head, *body[start:end], *self.tail)
            letters = (places[start][0], places[end - 1][1]) if places else (0, len(clean.text))
            yield Window(index, ids, start, source, *letters)

    def places(self, source: Source) -> list[tuple[int, int]]:
        """Give the characters [start, end) of each body token in the normalised text."""
        body = source.encoding.offsets[len(self.head) : -len(self.tail) or None]
        n_prefix = len(self._prefix)
        return [(max(start - n_prefix, 0), max(end - n_prefix, 0)) for start, end in body]


def share_out(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Share a stretch of letters among the tokens that spell it together, in bytes.

    The tokenizer gives each of them the whole stretch, however long; windows of such a text would
    each have all of its letters.
    """
    shared: list[tuple[int, int]] = []
    for (start, end), group in groupby(places):
        n = len(list(group))
        width = end - start
        shared += [(start + width * i // n, start + width * (i + 1) // n) for i in range(n)]
    return shared


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
