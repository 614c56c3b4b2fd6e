"""Near duplicates find each other; texts that only share a subject do not."""

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
