"""The planted sentences are what the story needs: different, balanced, and the same every time."""

import pytest

from tests.story.planted import TERMS, planted
from training.corpora.duplicates import near_duplicates


@pytest.mark.parametrize("language", sorted(TERMS))
def test_half_hold_the_term_and_few_are_alike(language: str) -> None:
    """So they are not all drawn into one split."""
    found = planted(language, 300, seed=1)
    texts = [sentence.text for sentence in found]
    assert len(set(texts)) == 300
    assert sum(s.violating for s in found) == 150
    assert all((TERMS[language] in s.text) is s.violating for s in found)
    clusters = near_duplicates(texts)
    assert len({clusters.of(i) for i in range(300)}) > 240
    assert texts == [sentence.text for sentence in planted(language, 300, seed=1)]


def test_held_out_sentences_share_no_opening() -> None:
    """What is measured on them was not learned by heart."""
    learned = {s.text.split(",")[0] for s in planted("de", 300, seed=1)}
    assert not learned & {s.text.split(",")[0] for s in planted("de", 60, seed=1, held_out=True)}


def test_more_than_there_is_is_refused() -> None:
    """So is a language without material."""
    with pytest.raises(ValueError, match="sentences in tr"):
        planted("tr", 10_000, seed=1)
    with pytest.raises(ValueError, match="no planted sentences in ko"):
        planted("ko", 10, seed=1)
