import socket
from collections.abc import Sequence
from time import thread_time
from typing import NoReturn

import pytest

from triage_ml.domain.scores import LanguageGuess
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language
from triage_ml.domain.text import normalise
from triage_ml.inference.language import _NOISE, MAX_CHARS, Detector, Evidence

EN, DE, TR, ES, KO, UND = Language

SENTENCES = [
    (EN, "The bakery on the corner opens at seven and closes at noon."),
    (EN, "Please move the chairs back before you leave the room."),
    (DE, "Die Bäckerei an der Ecke öffnet um sieben und schließt am Mittag."),
    (DE, "Bitte stellt die Stühle zurück, bevor ihr den Raum verlasst."),
    (TR, "Köşedeki fırın saat yedide açılıyor ve öğlen kapanıyor."),
    (TR, "Lütfen odadan çıkmadan önce sandalyeleri yerine koyun."),
    (ES, "La panadería de la esquina abre a las siete y cierra al mediodía."),
    (ES, "Por favor, coloquen las sillas en su sitio antes de salir."),
    (KO, "모퉁이 빵집은 일곱 시에 열고 정오에 닫습니다."),
    (KO, "방을 나가기 전에 의자를 제자리에 놓아 주세요."),
]
OTHERS = [
    ("fr", "La boulangerie du coin ouvre à sept heures et ferme à midi."),
    ("it", "Il panificio all'angolo apre alle sette e chiude a mezzogiorno."),
    ("pt", "A padaria da esquina abre às sete horas e fecha ao meio-dia."),
    ("nl", "De bakkerij op de hoek gaat om zeven uur open en sluit om twaalf uur."),
    ("ja", "角のパン屋は七時に開いて、正午に閉まります。"),
    ("ru", "Булочная на углу открывается в семь и закрывается в полдень."),
    ("ar", "يفتح المخبز في السابعة ويغلق عند الظهر."),
]
NOTHING = ["", "🙂🙂🎉", "12345 67", "https://example.org/a/b?c=d", "@someone @other", "ok", "?!"]


def detect(detector: Detector, text: str, hint: Language | None = None) -> LanguageGuess:
    return detector.detect(normalise(text), hint)


@pytest.mark.parametrize(("language", "text"), SENTENCES)
def test_the_five_languages_are_told_apart(
    detector: Detector, language: Language, text: str
) -> None:
    """A plain sentence is recognised with confidence."""
    guess = detect(detector, text)
    assert guess.language is language
    assert guess.confidence > 0.8
    assert guess.detected is None


@pytest.mark.parametrize(("language", "text"), SENTENCES)
def test_shouting_changes_nothing(detector: Detector, language: Language, text: str) -> None:
    """Capital letters, links and mentions do not hide the language."""
    loud = f"@name {text.upper()} https://example.org 100%"
    assert detect(detector, loud).language is language


@pytest.mark.parametrize(("code", "text"), OTHERS)
def test_another_language_is_undetermined_and_named(
    detector: Detector, code: str, text: str
) -> None:
    """None of the five, but its code is kept."""
    guess = detect(detector, text)
    assert (guess.language, guess.detected) == (UND, code)
    assert 0.5 <= guess.confidence <= 1


@pytest.mark.parametrize("text", NOTHING)
def test_a_text_without_words_is_undetermined(detector: Detector, text: str) -> None:
    """Signs, numbers, links and mentions are no evidence."""
    guess = detect(detector, text)
    assert (guess.language, guess.confidence, guess.detected) == (UND, 0.0, None)


@pytest.mark.parametrize("text", NOTHING)
@pytest.mark.parametrize("hint", SUPPORTED_LANGUAGES)
def test_without_evidence_the_hint_decides(detector: Detector, text: str, hint: Language) -> None:
    """The sender knows more than an emoji says."""
    assert detect(detector, text, hint).language is hint


@pytest.mark.parametrize(("language", "text"), SENTENCES)
@pytest.mark.parametrize("hint", SUPPORTED_LANGUAGES)
def test_a_hint_never_beats_strong_evidence(
    detector: Detector, language: Language, text: str, hint: Language
) -> None:
    """A wrong hint on a clear sentence is ignored."""
    assert detect(detector, text, hint) == detect(detector, text)


@pytest.mark.parametrize(("code", "text"), OTHERS)
def test_a_hint_does_not_turn_another_language_into_one_of_ours(
    detector: Detector, code: str, text: str
) -> None:
    """French that is said to be English stays undetermined."""
    guess = detect(detector, text, EN)
    assert (guess.language, guess.detected) == (UND, code)


def test_the_hint_und_is_no_hint(detector: Detector) -> None:
    """It changes neither a clear answer nor an open one."""
    assert detect(detector, SENTENCES[0][1], UND).language is EN
    assert detect(detector, "🙂", UND).language is UND


@pytest.mark.parametrize(("first", "second"), [(EN, DE), (EN, KO), (TR, ES), (DE, TR), (KO, ES)])
def test_two_languages_in_one_text_are_undetermined(
    detector: Detector, first: Language, second: Language
) -> None:
    """Half and half belongs to neither; a hint for one of the two decides, another does not."""
    parts = dict(SENTENCES)
    text = f"{parts[first]} {parts[second]}"
    third = next(lang for lang in SUPPORTED_LANGUAGES if lang not in (first, second))
    assert detect(detector, text).language is UND
    assert detect(detector, text, second).language is second
    assert detect(detector, text, third).language is UND


def test_korean_with_some_latin_words_is_korean(detector: Detector) -> None:
    """Names and brands in Latin letters are part of Korean texts."""
    assert detect(detector, "이번 주말에 Netflix 같이 볼래?").language is KO
    assert detect(detector, "ㅋㅋㅋㅋ").language is KO


def test_a_korean_word_in_a_latin_text_lowers_the_confidence(detector: Detector) -> None:
    """The share of Hangul is evidence against every other language."""
    plain = detect(detector, "we all learned to say hello in one day at the school").confidence
    mixed = detect(detector, "we all learned to say 안녕 hello in one day at the school").confidence
    assert mixed < plain


def test_foreign_letters_are_never_one_of_the_five(detector: Detector) -> None:
    """A few Latin words among another script do not make a text ours."""
    guess = detect(detector, "Привет, как дела? ok super", EN)
    assert guess.language is UND
    assert guess.detected is not None


def test_a_plausible_hint_is_taken_before_a_neighbour_language() -> None:
    """Short Spanish that looks Portuguese or Catalan is Spanish if the sender says so."""
    detector = Detector()
    detector._model = _Fixed(pt=0.75, es=0.06, en=0.01)
    assert detect(detector, "casa bonita grande").detected == "pt"
    assert detect(detector, "casa bonita grande", EN).detected == "pt"
    assert detect(detector, "casa bonita grande", ES).language is ES


def test_weak_evidence_leaves_the_hint_to_decide() -> None:
    """Where no language is clearly ahead, the answer is the hint or UND."""
    detector = Detector()
    detector._model = _Fixed(de=0.3, en=0.25)
    assert detect(detector, "hallo hello").language is UND
    assert detect(detector, "hallo hello", TR).language is TR
    guess = detect(detector, "hallo hello", EN)
    assert guess.language is EN
    assert 0.3 < guess.confidence < 0.6


class _Fixed:
    """A model that always gives the same answers, the likeliest first."""

    def __init__(self, **answers: float) -> None:
        self.answers = answers

    def predict(self, text: str, k: int) -> tuple[list[str], list[float]]:
        return [f"__label__{code}" for code in self.answers], list(self.answers.values())


def test_very_long_and_many_lined_texts_are_read(detector: Detector) -> None:
    """Neither length nor line breaks are a problem for the model."""
    text = "\n".join([SENTENCES[2][1]] * 1500)
    assert detect(detector, text).language is DE


def test_of_a_long_text_a_bounded_part_is_read(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longest text costs no more than a page, and its end counts as its beginning does."""
    read: list[str] = []
    weigh = detector._weigh

    def noting(words: Sequence[str]) -> Evidence:
        read.append(" ".join(words))
        return weigh(words)

    monkeypatch.setattr(detector, "_weigh", noting)
    english, german = (f"{SENTENCES[n][1]} " * 800 for n in (0, 2))
    assert detect(detector, english + english).language is EN
    assert detect(detector, english + german).language is UND
    assert all(len(text) <= MAX_CHARS + 1 for text in read)


@pytest.mark.parametrize("piece", ["語", "a.", "&a", "@", "x@ ", "http:/", "www.w", "_#", "\u0301"])
def test_looking_for_noise_takes_time_in_line_with_the_length(piece: str) -> None:
    """Four times the text takes about four times as long, not sixteen, also without spaces."""

    def seconds(n_chars: int) -> float:
        text = (piece * n_chars)[:n_chars]
        began = thread_time()
        _NOISE.sub(" ", text)
        return thread_time() - began

    short, long = (min(seconds(n) for _ in range(5)) for n in (5_000, 20_000))
    assert long < 10 * short + 0.001


def test_detection_asks_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is in the package; a larger one is never downloaded."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert detect(Detector(), SENTENCES[0][1]).language is EN
