"""Near duplicates find each other; texts that only share a subject do not."""

from types import SimpleNamespace

from training.corpora import duplicates
from training.corpora.duplicates import near_duplicates, shingles

LONG = "The library in the old town opens at nine and closes at six on every day but Sunday"


def test_joins_texts_that_differ_in_a_word_or_in_signs() -> None:
    """A reposted text with another number, link mark or ending is the same post."""
    clusters = near_duplicates([LONG, LONG.upper() + "!!! 24", LONG + " now", "Rain tomorrow"])
    assert [clusters.of(row) for row in range(4)] == [0, 0, 0, 3]


def test_keeps_texts_of_one_subject_apart() -> None:
    """Sharing some words is not enough."""
    clusters = near_duplicates([LONG, "The library opens at ten on Monday, says the town hall"])
    assert clusters.of(1) == 1


def test_joins_chains() -> None:
    """A text near to two others brings them into one set."""
    words = LONG.split()
    texts = [" ".join(words), " ".join(words[1:]), " ".join(words[2:]), " ".join(words[3:])]
    clusters = near_duplicates(texts)
    assert {clusters.of(row) for row in range(4)} == {0}


def test_texts_without_letters_stand_alone() -> None:
    """Two emoji or numbers are not duplicates for lack of letters."""
    clusters = near_duplicates(["🙂", "12345", "🙂🙂"])
    assert [clusters.of(row) for row in range(3)] == [0, 1, 2]


def test_short_texts_are_one_shingle() -> None:
    """A text shorter than a shingle still has one."""
    assert shingles("Hi!") == {"hi"}


def test_of_a_flood_that_differs_in_digits_one_text_is_compared(monkeypatch) -> None:
    """Each with each would be a hundred million pairs for ten thousand reports of one campaign."""
    hashed: list[int] = []

    def from_token_sets(sets: list[list[str]], *rest: int) -> list[object]:
        hashed.append(len(sets))
        return real(sets, *rest)

    real = duplicates.RMinHash.from_token_sets
    monkeypatch.setattr(duplicates, "RMinHash", SimpleNamespace(from_token_sets=from_token_sets))
    clusters = near_duplicates([f"{LONG} {n}" for n in range(500)] + ["Rain tomorrow"])
    assert hashed == [2]
    assert {clusters.of(row) for row in range(500)} == {0}
    assert clusters.of(500) == 500
