"""Bias over identity terms: the words are found, and the three AUCs say what they should."""

import numpy as np
import pytest

from training.measuring.bias import MIN_SIDE, group_bias, identity_patterns, measure_bias, worst
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES

COMMON = {
    "women",
    "men",
    "gay_lesbian",
    "trans",
    "muslims",
    "jews",
    "christians",
    "disabled",
    "old",
}


@pytest.mark.parametrize("language", [language.value for language in SUPPORTED_LANGUAGES])
def test_every_language_has_the_common_groups(language: str) -> None:
    """Groups met everywhere have terms in each language."""
    assert set(identity_patterns()[language]) >= COMMON | {"migrants", "black_people", "asians"}


@pytest.mark.parametrize(
    ("language", "group", "text"),
    [
        ("en", "muslims", "My Muslim neighbours fast"),
        ("en", "black_people", "Black women founded the club"),
        ("de", "turks", "Die türkischen Läden öffnen"),
        ("de", "jews", "JÜDINNEN und Juden beten"),
        ("es", "roma", "Las gitanas bailan"),
        ("tr", "women", "KADINLARIN günü bugün"),
        ("tr", "kurds", "Kürtlerle yaşıyoruz"),
        ("tr", "turks", "Türk'ün evi"),
        ("ko", "chinese_koreans", "조선족들이 식당을 열었다"),
        ("ko", "women", "그 여자는 의사다"),
    ],
)
def test_finds_a_term_with_its_endings(language: str, group: str, text: str) -> None:
    """Inflected, in capitals, with suffixes or particles."""
    assert measure_mentions(language, group, text)


@pytest.mark.parametrize(
    ("language", "group", "text"),
    [
        ("en", "men", "the mention of a menu"),
        ("en", "black_people", "a black car"),
        ("de", "men", "manchmal regnet es"),
        ("tr", "turks", "Türkiye büyük, Türkçe güzel"),
        ("tr", "women", "kızgın değilim"),
        ("ko", "black_people", "흑인종 아닌 흑인음악"),
    ],
)
def test_leaves_other_words_alone(language: str, group: str, text: str) -> None:
    """A word that only begins like a term is no mention."""
    assert not measure_mentions(language, group, text)


def measure_mentions(language: str, group: str, text: str) -> bool:
    """Say whether one text counts, as positives and as negatives, for a group."""
    texts, truth = [text] * 50, np.arange(50) % 2 == 0
    return group in measure_bias(texts, [language] * 50, truth, np.zeros(50)).get(language, {})


def test_a_score_raised_by_a_mention_shows_in_bpsn() -> None:
    """Benign mentions over violations elsewhere: BPSN 0, BNSP 1."""
    mentions = np.repeat([True, False], 50)
    truth = np.arange(100) % 2 == 0
    cell = group_bias(mentions, truth, truth * 1.0 + 2 * mentions)
    assert (cell["subgroup_auc"], cell["bpsn_auc"], cell["bnsp_auc"]) == (1.0, 0.0, 1.0)
    assert (cell["n_positive"], cell["n_negative"]) == (25, 25)


def test_few_rows_give_no_number() -> None:
    """Under the least rows on a side nothing is given, and the group is left out."""
    n = 2 * MIN_SIDE - 2
    truth = np.arange(n) % 2 == 0
    assert group_bias(np.ones(n, np.bool_), truth, np.zeros(n))["subgroup_auc"] is None
    assert measure_bias(["Women meet here"] * n, ["en"] * n, truth, np.zeros(n)) == {}


def test_names_the_worst_group() -> None:
    """The lowest number of a kind, and where it is."""
    texts = ["Women meet here", "Men meet here", "They meet here"] * 40
    truth = np.repeat(np.arange(40) % 2 == 0, 3)
    scores = truth + np.tile([3.0, 0.0, 0.0], 40)
    bias = measure_bias(texts, ["en"] * 120, truth, scores)
    assert worst(bias, "bpsn_auc") == (0.0, "en/women")
    assert worst({}, "bpsn_auc") is None
