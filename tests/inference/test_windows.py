from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from triage_ml.inference.artifact import SHIPPED, TOKENIZER, Artifact
from triage_ml.inference.windows import Framer, batches, pad, share_out, stretches


def framer(artifact: Artifact, max_tokens: int = 16, overlap: int = 4) -> Framer:
    tokenizer = Tokenizer.from_file(str(artifact.tokenizer_path))
    return Framer(tokenizer, "query: ", max_tokens, overlap)


@given(n=st.integers(0, 500), capacity=st.integers(2, 60), data=st.data())
def test_stretches_cover_every_token(n: int, capacity: int, data: st.DataObject) -> None:
    """No token is left out, none is invented, and neighbours overlap enough."""
    overlap = data.draw(st.integers(0, capacity - 1))
    found = stretches(n, capacity, overlap)
    assert {i for start, end in found for i in range(start, end)} == set(range(n))
    assert all(end - start <= capacity for start, end in found)
    assert all(before[1] - after[0] >= overlap for before, after in pairwise(found))


@given(lengths=st.lists(st.integers(1, 128), max_size=80), budget=st.integers(128, 2048))
def test_batches_keep_the_budget_and_lose_nothing(lengths: list[int], budget: int) -> None:
    """Every row is in exactly one batch, and no batch is larger than allowed when padded."""
    found = list(batches(lengths, budget))
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    assert all(len(b) * max(lengths[i] for i in b) <= budget for b in found)
    assert all(found)


@given(lengths=st.lists(st.integers(1, 128), max_size=80))
def test_a_batch_ends_only_when_the_next_row_would_not_fit(lengths: list[int]) -> None:
    """Batches are as full as the order by length allows."""
    for batch, after in pairwise(batches(lengths, 256)):
        assert (len(batch) + 1) * lengths[after[0]] > 256


def test_a_row_over_the_budget_stands_alone() -> None:
    """It is neither dropped nor does it take others with it."""
    assert list(batches([5, 50, 5], 10)) == [[0, 2], [1]]


def test_padding_is_masked() -> None:
    """Short rows are filled with the pad id, which the mask hides."""
    ids, mask = pad([(7, 8, 9), (7,)], pad_id=1)
    assert ids.tolist() == [[7, 8, 9], [7, 1, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_a_short_text_is_one_window_as_in_training(artifact: Artifact) -> None:
    """The window holds what the tokenizer gives for prefix and text together."""
    frame = framer(artifact)
    tokenizer = Tokenizer.from_file(str(artifact.tokenizer_path))
    [window] = frame.windows(["w1  w2"])
    assert list(window.ids) == tokenizer.encode("query: w1 w2").ids


def test_every_window_is_framed(artifact: Artifact) -> None:
    """Each window of a long text starts with <s> and the prefix and ends with </s>."""
    frame = framer(artifact)
    windows = frame.windows([" ".join(f"w{i}" for i in range(100))])
    assert len(windows) > 5
    assert all(w.ids[:2] == frame.head and w.ids[-1:] == frame.tail for w in windows)
    assert all(len(w.ids) <= 16 for w in windows)


def test_windows_hold_every_word_of_a_long_text(artifact: Artifact) -> None:
    """What the windows hold between their frames is the whole text."""
    frame = framer(artifact)
    text = " ".join(f"w{i}" for i in range(150))
    seen = {i for w in frame.windows([text]) for i in w.ids[len(frame.head) : -1]}
    tokenizer = Tokenizer.from_file(str(artifact.tokenizer_path))
    assert seen == set(tokenizer.encode(text, add_special_tokens=False).ids)
    assert len(seen) == 150


def test_a_window_has_the_letters_of_its_tokens(artifact: Artifact) -> None:
    """A short text has all of its letters; those of a long one's windows overlap and cover it."""
    frame = framer(artifact)
    assert frame.windows(["w1  w2​"])[0].letters == "w1 w2"
    text = " ".join(f"w{i}" for i in range(150))
    found = frame.windows([text])
    assert found[0].letters.startswith("w0 w1 ")
    assert found[-1].letters.endswith(" w149")
    for window in found:
        assert window.letters in text
        assert len(window.letters.split()) == len(window.ids) - len(frame.head) - len(frame.tail)


def test_letters_that_are_spelled_in_bytes_are_shared_out() -> None:
    """Tokens of one long unknown stretch have it together; each gets its part, and none twice."""
    assert share_out([(0, 2), (2, 12), (2, 12), (2, 12), (2, 12), (12, 13)]) == [
        (0, 2),
        (2, 4),
        (4, 7),
        (7, 9),
        (9, 12),
        (12, 13),
    ]
    assert share_out([(0, 1), (0, 1), (0, 1)]) == [(0, 0), (0, 0), (0, 1)]
    assert share_out([]) == []


def test_windows_of_unknown_signs_have_few_letters_each() -> None:
    """A text of rare signs costs what any text costs: its windows do not all hold all of it."""
    tokenizer = Tokenizer.from_file(str(SHIPPED / TOKENIZER))
    text = "".join(chr(0x20000 + i * 7) for i in range(3_000))
    windows = Framer(tokenizer, "query: ", 128, 32).windows([text])
    assert len(windows) > 50
    assert sum(len(window.letters) for window in windows) < 3 * len(text)
    assert "".join(sorted({sign for w in windows for sign in w.letters})) == "".join(sorted(text))
    assert text[:5] not in repr(windows[0])


def test_special_tokens_in_a_text_are_text(artifact: Artifact) -> None:
    """Who writes </s> does not end the window."""
    frame = framer(artifact)
    [window] = frame.windows(["w1 </s> <pad> w2"])
    assert window.ids.count(2) == 1
    assert 1 not in window.ids


def test_a_text_without_any_token_still_has_a_window(artifact: Artifact) -> None:
    """It is scored all the same: a frame around next to nothing."""
    frame = framer(artifact)
    [window] = frame.windows(["\u200b"])
    assert (window.ids[:2], window.ids[-1:]) == (frame.head, frame.tail)
    assert len(window.ids) <= 4


def test_a_frame_that_leaves_no_room_is_refused(artifact: Artifact) -> None:
    """Windows have to be wider than their overlap."""
    with pytest.raises(ValueError, match="tokens leave 2 beside the frame"):
        framer(artifact, max_tokens=5, overlap=2)
