"""Texts become tokens, spans become marks, and labels the model's outputs."""

import numpy as np
import pytest
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from training.corpora.sources import OUTPUTS
from training.corpora.splits import DEV, TRAIN
from training.learning.encoder import UNK_ID
from training.learning.prepare import (
    MAX_TOKENS_KEPT,
    choose_outputs,
    cut_tokens,
    tokenise,
    unknown_rate,
)
from triage_ml.errors import InvalidInput

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
WORDS = ("q:", "you", "utter", "fool", "fo", "ol")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """Cut at spaces, and keep them with the word behind, as the real one does."""
    vocabulary = {name: i for i, name in enumerate((*SPECIAL, *(f"▁{word}" for word in WORDS)))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def part(*texts: str, **columns: list[object]) -> Dataset:
    """Give rows of a snapshot that decide nothing but what is given."""
    n, none = len(texts), [-1] * len(OUTPUTS)
    filled = {
        "text": list(texts),
        "language": ["en"] * n,
        "sources": [["a", "b"]] * n,
        "split": [TRAIN] * n,
        "labels": [none] * n,
        "weak": [[False] * len(OUTPUTS)] * n,
        "severity": [none] * n,
        "has_spans": [False] * n,
        "spans": [[]] * n,
    }
    return Dataset.from_dict(filled | columns)


def marks(tokenizer: Tokenizer, spans: list[list[int]], prefix: str = "q: ") -> list[int]:
    rows = part("you utter fool", has_spans=[True], spans=[spans])
    return list(tokenise(rows, tokenizer, OUTPUTS, prefix).marks[0])


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], [0, 0, 0, 0, 0, 0]),
        ([[10, 14]], [0, 0, 0, 0, 1, 0]),
        ([[4, 14]], [0, 0, 0, 1, 1, 0]),
        ([[0, 3], [12, 13]], [0, 0, 1, 0, 1, 0]),
    ],
)
def test_a_token_that_overlaps_a_span_is_marked(
    tokenizer: Tokenizer, spans: list[list[int]], expected: list[int]
) -> None:
    """A letter of it is enough; the prefix and the frame never are."""
    assert marks(tokenizer, spans) == expected


def test_marks_do_not_depend_on_the_prefix(tokenizer: Tokenizer) -> None:
    """Spans are places in the text, wherever the text begins."""
    assert marks(tokenizer, [[0, 3]])[2:] == marks(tokenizer, [[0, 3]], "")[1:]


def test_nobody_asked_is_not_nothing_marked(tokenizer: Tokenizer) -> None:
    """Without spans there are no marks; with none marked every token is 0."""
    rows = tokenise(part("you", "you", has_spans=[True, False]), tokenizer, OUTPUTS, "")
    assert rows.marks == [[0, 0, 0], []]


def test_keeps_the_columns_of_the_models_outputs(tokenizer: Tokenizer) -> None:
    """Labels, severities and weakness of two outputs, in their order; the first source."""
    place = np.arange(len(OUTPUTS)).tolist()
    weak = [[i % 2 == 0 for i in place]]
    rows = tokenise(
        part("you", labels=[place], severity=[place], weak=weak),
        tokenizer,
        (OUTPUTS[1], OUTPUTS[-1]),
        "",
    )
    assert rows.labels.tolist() == rows.severities.tolist() == [[1, len(OUTPUTS) - 1]]
    assert rows.weak.tolist() == [[False, weak[0][-1]]]
    assert (rows.texts, rows.languages.tolist(), rows.sources.tolist()) == (["you"], ["en"], ["a"])


def test_a_long_text_keeps_its_end_mark() -> None:
    """What the encoder has no place for is left out before the end."""
    tokens = list(range(MAX_TOKENS_KEPT + 9))
    cut = cut_tokens(tokens)
    assert len(cut) == MAX_TOKENS_KEPT
    assert cut[-2:] == [MAX_TOKENS_KEPT - 2, tokens[-1]]
    assert cut_tokens([0, 5, 2]) == [0, 5, 2]


def test_takes_heads_with_enough_training_rows() -> None:
    """Positives of another split do not count, and without any label there is no model."""
    labels = [[-1] * len(OUTPUTS) for _ in range(4)]
    for row in labels:
        row[-1] = 1
    for row, output in ((0, "hate"), (1, "hate"), (2, "self_harm"), (3, "self_harm")):
        labels[row][OUTPUTS.index(output)] = 1
    rows = part(*"abcd", labels=labels, split=[TRAIN, TRAIN, TRAIN, DEV])
    assert choose_outputs(rows, 2) == ("hate", "violation")
    with pytest.raises(InvalidInput, match="under 3 positives"):
        choose_outputs(rows, 3)


def test_counts_unknown_tokens_by_language(tokenizer: Tokenizer) -> None:
    """The frame counts as known."""
    rows = tokenise(part("you strange", "you", language=["en", "de"]), tokenizer, OUTPUTS, "")
    assert rows.tokens[0][2] == UNK_ID
    assert unknown_rate(rows) == {"de": 0.0, "en": 0.25}
