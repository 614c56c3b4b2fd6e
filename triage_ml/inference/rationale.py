"""From marked tokens to the words a reviewer sees highlighted."""

from collections.abc import Iterator, Sequence

from triage_ml.domain.scores import Span
from triage_ml.domain.text import NormalisedText

Word = tuple[int, int, float]
"""Characters [start, end) of a text without space in it, and how far they are the reason."""

MAX_SPANS = 20
"""Highlights shown of one text; the strongest stay."""


def weigh_words(
    text: str, places: Sequence[tuple[int, int]], marks: Sequence[float]
) -> Iterator[Word]:
    """Give each word of `text` the highest mark of its tokens.

    `places` are the tokens' characters in the text, `marks` their probabilities, both in the
    order of the text.
    """
    token = 0
    for start, end in _words(text):
        weight = 0.0
        while token < len(places) and places[token][0] < end:
            if places[token][1] > start:
                weight = max(weight, marks[token])
            token += 1
        token = max(0, token - 1)  # a token may reach into the next word
        yield start, end, weight


def spans_of(text: NormalisedText, words: Iterator[Word], threshold: float) -> tuple[Span, ...]:
    """Join neighbouring words from `threshold` on, in characters of the original text."""
    joined = _join(text.text, [word for word in words if word[2] >= threshold])
    strongest = sorted(joined, key=lambda word: -word[2])[:MAX_SPANS]
    return tuple(
        Span(*text.original_span(start, end), round(weight, 4))
        for start, end, weight in sorted(strongest)
    )


def _words(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for word in text.split():
        at = text.index(word, at)
        yield at, at + len(word)
        at += len(word)


def _join(text: str, words: Sequence[Word]) -> list[Word]:
    """Join words that only space lies between."""
    joined: list[Word] = []
    for start, end, weight in words:
        if joined and not text[joined[-1][1] : start].strip():
            begin, _, other = joined.pop()
            joined.append((begin, end, max(weight, other)))
        else:
            joined.append((start, end, weight))
    return joined
