"""The texts of the load: distinct, in five languages, of the lengths that were counted."""

import json
import statistics

import pytest

from benchmarks.load.mix import CAMPAIGN_TEXTS, LENGTHS, Mix, plain_tokenizer
from triage_ml.inference.artifact import SHIPPED, TOKENIZER


@pytest.fixture(scope="module")
def tokenizer():
    return plain_tokenizer(SHIPPED / TOKENIZER)


def test_texts_are_distinct_and_the_same_every_time(tokenizer):
    """A seed gives the same texts; none comes twice."""
    texts = Mix(tokenizer, 1).take(2000)
    assert len(set(texts)) == 2000
    assert texts == Mix(tokenizer, 1).take(2000) != Mix(tokenizer, 2).take(2000)
    assert all(text.strip() == text and text for text in texts)


def test_lengths_are_those_that_were_counted(tokenizer):
    """Mean and median of the tokens are near those of real posts."""
    counted = json.loads(LENGTHS.read_text("utf-8"))["tokens"]
    wanted = [n for lengths in counted.values() for n in lengths]
    encodings = tokenizer.encode_batch(Mix(tokenizer, 1).take(4000), add_special_tokens=False)
    made = [len(encoding.ids) for encoding in encodings]
    assert statistics.mean(made) == pytest.approx(statistics.mean(wanted), rel=0.1)
    assert statistics.median(made) == pytest.approx(statistics.median(wanted), rel=0.15)


def test_half_of_a_spam_wave_repeats(tokenizer):
    """A few texts make up half of the requests; the others are distinct."""
    texts = Mix(tokenizer, 1).take_wave(1000)
    n_repeated = sum(texts.count(text) > 1 for text in texts)
    assert n_repeated == pytest.approx(500, abs=60)
    assert len(set(texts)) == pytest.approx(1000 - n_repeated + CAMPAIGN_TEXTS, abs=5)
