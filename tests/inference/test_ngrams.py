"""Letters to buckets: the same for training and serving, for ever."""

import hashlib
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.text import normalise
from triage_ml.inference.ngrams import LONGEST, PADDING, fold, ngram_rows, ngrams

PINNED = {
    "hi there": "ccf4f6f653a144fe",
    "IŞIK, İyi günler ığüşöç": "493931e571ef063f",
    "Größe & Straße": "953512564fe55afc",
    "안녕하세요 ㅋㅋ": "1eba32bc890034c8",
    "¿Mañana, qué tal? 😀 12": "eb6ae67ee5ecf488",
}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("IŞIK İYİ", "isik iyi"),
        ("Kırmızı", "kirmizi"),
        ("corazón MAÑANA", "corazon manana"),
        ("Straße ÜBER", "strasse uber"),
        ("room 101", "room 937"),
        ("안녕", unicodedata.normalize("NFD", "안녕")),
    ],
)
def test_what_hurried_typing_drops_is_folded(one: str, other: str) -> None:
    """Case, accents, the dot of an i, and which digit it is; Korean syllables stay whole."""
    assert fold(one) == fold(other)


def test_syllables_and_words_stay_apart() -> None:
    """Folding unites spellings, not words."""
    assert len({fold(text) for text in ("안녕", "안넝", "kir", "kır mızı", "room", "rooms")}) == 6


@pytest.mark.parametrize(("text", "digest"), PINNED.items())
def test_buckets_never_change(text: str, digest: str) -> None:
    """An artifact's table is laid out by these numbers: another fold or hash is another model."""
    assert hashlib.sha256(ngrams(text, 19).astype("<i8").tobytes()).hexdigest()[:16] == digest


def test_no_letters_have_n_grams_too() -> None:
    """Two spaces: one of one letter, one of two."""
    assert len(ngrams("", 19)) == 2


def test_a_text_has_its_n_grams_once() -> None:
    """Of one to five letters, space before and behind; what repeats is counted once."""
    n_letters = len(" abcdef ")
    assert len(ngrams("abcdef", 24)) == sum(n_letters - n + 1 for n in range(1, LONGEST + 1)) - 1
    assert set(ngrams("abc", 24)) < set(ngrams("abc abc", 24))


@given(st.text(max_size=60), st.integers(4, 24))
def test_buckets_are_in_the_table(text: str, n_bits: int) -> None:
    """Whatever is written: sorted, unique, never the row of padding, never past the table."""
    found = ngrams(normalise(text).text, n_bits)
    assert (np.diff(found) > 0).all()
    assert found[0] > PADDING
    assert found[-1] <= 2**n_bits


def test_fewer_bits_unite_buckets() -> None:
    """The same order in fewer buckets, so that a table can be folded."""
    fine, coarse = ngrams("what a morning", 20) - 1, ngrams("what a morning", 16) - 1
    assert np.array_equal(np.unique(fine >> 4), coarse)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6), st.integers(4, 24))
def test_several_texts_are_as_each_alone(texts: list[str], n_bits: int) -> None:
    """No n-gram reaches from one text into the next; short rows end with what weighs nothing."""
    clean = [normalise(text).text for text in texts]
    found = ngram_rows(clean, n_bits)
    alone = [ngrams(text, n_bits).tolist() for text in clean]
    width = max(map(len, alone))
    assert found.tolist() == [row + [PADDING] * (width - len(row)) for row in alone]
