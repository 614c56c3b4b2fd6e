"""Marked tokens become highlighted words of the original text."""

from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.text import normalise
from triage_ml.inference.rationale import MAX_SPANS, spans_of, weigh_words


def test_a_word_takes_its_highest_token() -> None:
    """A token inside a word, or across two, marks them whole; space is never marked."""
    text = "good useless day"
    places = [(0, 4), (4, 8), (8, 12), (12, 16)]
    words = [(text[a:b], w) for a, b, w in weigh_words(text, places, [0.1, 0.2, 0.9, 0.3])]
    assert words == [("good", 0.1), ("useless", 0.9), ("day", 0.3)]


def test_neighbours_are_one_highlight() -> None:
    """Words that only space lies between are joined, at the higher weight."""
    text = normalise("one two six ten")
    words = iter([(0, 3, 0.6), (4, 7, 0.8), (12, 15, 0.7)])
    spans = spans_of(text, words, 0.5)
    assert [(s.start, s.end, s.weight) for s in spans] == [(0, 7, 0.8), (12, 15, 0.7)]


def test_only_the_strongest_are_shown() -> None:
    """A text full of marks does not become one coloured block."""
    text = normalise(" ".join(["one", "two"] * 60))
    words = iter([(i * 8, i * 8 + 3, 0.5 + i / 200) for i in range(60)])
    spans = spans_of(text, words, 0.5)
    assert len(spans) == MAX_SPANS
    assert spans[0].start == 40 * 8


@given(st.text(max_size=60), st.data())
def test_any_text_can_be_marked(text: str, data: st.DataObject) -> None:
    """Highlights lie inside the original, in order, without overlap."""
    clean = normalise(text)
    places = [(i, i + 1) for i in range(len(clean.text))]
    marks = data.draw(st.lists(st.floats(0, 1), min_size=len(places), max_size=len(places)))
    spans = spans_of(clean, weigh_words(clean.text, places, marks), 0.5)
    ends = [0, *(span.end for span in spans)]
    assert all(end <= span.start < span.end for end, span in zip(ends, spans, strict=False))
    assert ends[-1] <= len(text)
