"""Obfuscation: each kind does what its name says, the same each time, and never destroys a text."""

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from training.learning.obfuscate import KINDS, augment, kinds_for, obfuscate

LANGUAGES = ("en", "de", "tr", "es", "ko")
TEXTS = {
    "en": "Please leave this forum and never come back here again",
    "de": "Schöne Grüße aus München, wir hören voneinander, größer wird es nicht",
    "tr": "Bugün hava çok güzel, ışıklar söndü ve şehir uyudu, IŞIK İyi",
    "es": "¿Qué quieres mañana? Aquí nadie sabe cómo llegó el camión azul",
    "ko": "오늘은 날씨가 정말 좋아서 공원에 걸어서 갔다 왔는데 재미있었어",
}
any_text = st.text(max_size=60) | st.text(alphabet="aß가ㅋıİ\u0307 @:/.\ud800\n\u200b", max_size=30)
cells = [(kind, language) for kind in KINDS for language in KINDS[kind].languages]


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def outcomes(text: str, kind: str, language: str) -> set[str]:
    return {obfuscate(text, kind, seeded(seed), language) for seed in range(300)}


EXAMPLES = {
    "leet": ("leetspeak", "en", "hate", "h4t3"),
    "leet with signs": ("leetspeak", "de", "dass", "da$5"),
    "Cyrillic": ("homoglyphs", "en", "hate", "hаtе"),
    "full width": ("homoglyphs", "es", "odio", "ｏｄｉｏ"),
    "spaces": ("spacing", "en", "hate", "h a t e"),
    "dots": ("spacing", "tr", "çirkin", "ç.i.r.k.i.n"),
    "Korean dashes": ("spacing", "ko", "바보", "바-보"),
    "joined": ("joining", "en", "go away", "goaway"),
    "a soft hyphen": ("zero_width", "en", "hate", "ha\u00adte"),
    "a mask": ("masking", "en", "hate", "h*te"),
    "a Korean mask": ("masking", "ko", "바보", "바*"),
    "stretched": ("repetition", "en", "hate", "haaate"),
    "stretched Korean": ("repetition", "ko", "나빠", "나빠아아"),
    "stretched Korean with a final": ("repetition", "ko", "시발", "시바아알"),
    "upper": ("case", "de", "Straße", "STRASSE"),
    "upper Turkish": ("case", "tr", "ılık iki", "ILIK İKİ"),
    "swapped": ("typos", "en", "hate", "htae"),
    "dropped": ("typos", "en", "hate", "hte"),
    "jamo": ("jamo", "ko", "한글", "ㅎㅏㄴㄱㅡㄹ"),
    "a digit between": ("korean_respelling", "ko", "시발", "시1발"),
    "initials": ("korean_respelling", "ko", "시발", "ㅅㅂ"),
    "a tense consonant": ("korean_respelling", "ko", "시발", "씨발"),
    "a final dropped": ("korean_respelling", "ko", "시발", "시바"),
    "a final carried over": ("korean_respelling", "ko", "먹어", "머거"),
    "ASCII Turkish": ("turkish_ascii", "tr", "ışığı çöz", "isigi coz"),
    "swapped i": ("turkish_dotless", "tr", "kısa", "kisa"),
    "English upper case": ("turkish_dotless", "tr", "kişi", "KIŞI"),
    "digraphs": ("german_umlaut", "de", "Größe übel", "Groesse uebel"),
    "no dots": ("german_umlaut", "de", "Größe übel", "Grosse ubel"),
    "no accents": ("spanish_accents", "es", "¿qué mañana?", "que manana?"),
    "k": ("spanish_accents", "es", "que casa", "ke kasa"),
    "another language": ("code_switch", "en", "hello", "bu arada, hello"),
    "emoji": ("emoji", "en", "hi there", "hi 🙂 there"),
}


@pytest.mark.parametrize(("kind", "language", "text", "wanted"), EXAMPLES.values(), ids=EXAMPLES)
def test_each_kind_writes_as_users_do(kind: str, language: str, text: str, wanted: str) -> None:
    """Among what a kind makes of a text is the spelling it is named for."""
    assert wanted in outcomes(text, kind, language)


def test_every_kind_has_an_example() -> None:
    """No kind goes without an example."""
    assert {kind for kind, *_ in EXAMPLES.values()} == set(KINDS)


@pytest.mark.parametrize(("kind", "language"), cells)
def test_a_kind_changes_an_ordinary_text_and_leaves_words(kind: str, language: str) -> None:
    """In each language it names, a kind changes something and leaves something to read."""
    made = outcomes(TEXTS[language], kind, language)
    assert made != {TEXTS[language]}
    assert all(re.search(r"[^\W\d_]{2}", text) for text in made)


@pytest.mark.parametrize("kind", KINDS)
def test_a_language_a_kind_does_not_name_is_left_alone(kind: str) -> None:
    """A text of another language comes back as it went in."""
    for language in ({*LANGUAGES, "fr"}) - set(KINDS[kind].languages):
        assert obfuscate("Çok güzel 한글 año", kind, seeded(), language) == "Çok güzel 한글 año"


@pytest.mark.parametrize(
    "kind", ["leetspeak", "homoglyphs", "spacing", "zero_width", "masking", "repetition", "typos"]
)
def test_short_words_links_and_mentions_are_left_alone(kind: str) -> None:
    """A word of three letters, an address and a name stay readable."""
    text = "go to https://example.org/page or www.example.org and ask @someone"
    assert outcomes(text, kind, "en") == {text}


def test_only_some_words_are_disguised() -> None:
    """Most words of a text stay as they were, so that it can still be read."""
    text = " ".join(["letter"] * 1000)
    for kind in ("leetspeak", "masking", "typos"):
        changed = sum(word != "letter" for word in obfuscate(text, kind, seeded(), "en").split())
        assert 150 < changed < 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_generator_alone_decides(language: str) -> None:
    """The same seed gives the same text, and seeds differ."""
    text = TEXTS[language]
    assert augment(text, language, seeded(5)) == augment(text, language, seeded(5))
    assert len({augment(text, language, seeded(seed)) for seed in range(100)}) > 50


def test_an_unknown_language_has_no_kinds() -> None:
    """Text of a language nobody described is not touched."""
    assert kinds_for("fr") == ()
    assert augment("bonjour", "fr", seeded()) == "bonjour"


@given(any_text, st.integers(0, 1000), st.sampled_from(cells))
@example("¿¡", 0, ("spanish_accents", "es"))
@settings(max_examples=500)
def test_any_text_can_be_obfuscated(text: str, seed: int, cell: tuple[str, str]) -> None:
    """Nothing raises, and only the empty text gives an empty one."""
    assert bool(obfuscate(text, cell[0], seeded(seed), cell[1])) == bool(text)


@given(any_text, st.integers(0, 1000), st.sampled_from(LANGUAGES))
@settings(max_examples=300)
def test_any_text_can_be_augmented(text: str, seed: int, language: str) -> None:
    """Nothing raises when kinds are combined, and nothing is lost whole."""
    assert bool(augment(text, language, seeded(seed))) == bool(text)
