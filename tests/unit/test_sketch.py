"""Texts that are nearly the same are told from those that are not, in every language."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.sketch import (
    N_BANDS,
    N_HASHES,
    NEAR_DUPLICATE,
    SIMILAR,
    Sketch,
    closest,
    similarity,
    sketch_of,
)
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language

TEXTS = {
    Language.EN: (
        "Your parcel is waiting at our depot. Pay the small customs fee of two euros today on "
        "the page below, or it goes back to the sender tomorrow morning. Do not answer this "
        "message, nobody reads it. Thank you for your patience and for choosing our delivery "
        "service again."
    ),
    Language.DE: (
        "Ihr Paket liegt in unserem Lager bereit. Zahlen Sie heute noch die kleine Zollgebühr "
        "von zwei Euro auf der Seite unten, sonst geht es morgen früh an den Absender zurück. "
        "Antworten Sie nicht auf diese Nachricht, niemand liest sie. Vielen Dank für Ihre "
        "Geduld und Ihr Vertrauen."
    ),
    Language.TR: (
        "Kargonuz depomuzda bekliyor. İki avroluk küçük gümrük ücretini bugün aşağıdaki "
        "sayfada ödeyin, yoksa yarın sabah gönderene geri gider. Bu iletiye yanıt vermeyin, "
        "kimse okumuyor. Sabrınız ve teslimat hizmetimizi yeniden seçtiğiniz için çok "
        "teşekkür ederiz, iyi günler dileriz."
    ),
    Language.ES: (
        "Su paquete espera en nuestro almacén. Pague hoy la pequeña tasa de aduana de dos "
        "euros en la página de abajo, o mañana por la mañana vuelve al remitente. No responda "
        "a este mensaje, nadie lo lee. Gracias por su paciencia y por elegir de nuevo nuestro "
        "servicio de entrega a domicilio."
    ),
    Language.KO: (
        "고객님의 소포가 저희 물류 창고에 보관되어 있습니다. 오늘 안으로 아래 "
        "페이지에서 통관 수수료 이천 원을 결제해 주시기 바랍니다. 결제하지 않으시면 "
        "내일 아침에 보낸 분께 반송됩니다. 이 메시지에는 답장하지 마십시오. 아무도 "
        "읽지 않습니다. 기다려 주시고 다시 저희 배송 서비스를 이용해 주셔서 "
        "진심으로 감사드립니다."
    ),
}
CHANGED = {
    Language.EN: ("two euros", "six euros"),
    Language.DE: ("zwei Euro", "drei Euro"),
    Language.TR: ("İki avroluk", "Üç avroluk"),
    Language.ES: ("dos euros", "tres euros"),
    Language.KO: ("이천 원", "삼천 원"),
}


def compare(one: str, other: str) -> float:
    return similarity(sketch_of(one).signature, sketch_of(other).signature)


def share_a_band(one: Sketch, other: Sketch) -> bool:
    return not set(one.bands).isdisjoint(other.bands)


@pytest.mark.parametrize("language", SUPPORTED_LANGUAGES)
def test_a_changed_word_leaves_a_near_duplicate(language: Language) -> None:
    """Of some hundred characters, a word is little; the look-up by band finds it."""
    text = TEXTS[language]
    changed = text.replace(*CHANGED[language])
    assert changed != text
    assert NEAR_DUPLICATE <= compare(text, changed) < 1
    assert share_a_band(sketch_of(text), sketch_of(changed))


@pytest.mark.parametrize("language", SUPPORTED_LANGUAGES)
def test_half_of_a_text_is_similar_and_no_duplicate(language: Language) -> None:
    """What was added to a text that was copied keeps it in sight."""
    text = TEXTS[language]
    part = text[: len(text) * 7 // 10]
    assert SIMILAR <= compare(text, part) < NEAR_DUPLICATE
    assert share_a_band(sketch_of(text), sketch_of(part))


@pytest.mark.parametrize("language", SUPPORTED_LANGUAGES)
def test_other_texts_are_unlike(language: Language) -> None:
    """Also one that says the same in another language, and one about something else in the same."""
    others = [text for other, text in TEXTS.items() if other is not language]
    assert max(compare(TEXTS[language], other) for other in others) < 0.2
    assert compare(TEXTS[language], ELSE[language]) < 0.2


ELSE = {
    Language.EN: "The match begins at eight, and half of the town has come to sing in the rain.",
    Language.DE: "Das Spiel beginnt um acht, und die halbe Stadt kam, um im Regen zu singen.",
    Language.TR: "Maç sekizde başlıyor ve kentin yarısı yağmurda şarkı söylemeye gelmiş.",
    Language.ES: "El partido empieza a las ocho y media ciudad ha venido a cantar bajo la lluvia.",
    Language.KO: "경기는 여덟 시에 시작하고 도시의 절반이 빗속에서 노래를 부르러 나왔습니다.",
}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("You won a prize, call now", "YOU  WON A PRIZE,\ncall now"),
        ("You won a prize", "You w\u200bon a prize"),
        ("ışıklı bir gün", "IŞIKLI BİR GÜN"),
        ("çok güzel", "cok guzel"),
        ("über", "ÜBER"),
    ],
)
def test_capitals_accents_and_hidden_signs_do_not_count(one: str, other: str) -> None:
    """What a copy changes most easily changes no sketch."""
    assert sketch_of(one) == sketch_of(other)


@pytest.mark.parametrize("text", ["", "a", "하", "😀", "abcd"])
def test_the_shortest_texts_have_a_sketch(text: str) -> None:
    """They are similar to themselves alone."""
    assert compare(text, text) == 1
    assert compare(text, "another text") < SIMILAR


@given(st.text(max_size=300))
def test_every_text_has_a_whole_sketch(text: str) -> None:
    """The same each time, of numbers that a database takes for integers."""
    sketch = sketch_of(text)
    assert sketch == sketch_of(text)
    assert len(sketch.bands) == N_BANDS
    assert len(sketch.signature) == N_HASHES
    assert all(-(2**31) <= band < 2**31 for band in sketch.bands)


def test_the_estimate_is_near_the_true_share() -> None:
    """Of texts that share about half of their shingles; within four standard errors."""
    words = [f"word{n:03d} " for n in range(300)]
    one, other = "".join(words[:200]), "".join(words[67:267])
    shingles = [{text[i : i + 5] for i in range(len(text) - 4)} for text in (one, other)]
    exact = len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])
    assert compare(one, other) == pytest.approx(exact, abs=0.2)


def test_a_stored_sketch_stays_comparable() -> None:
    """The numbers behind sketches must not change: those in the database were made with them."""
    assert sketch_of("a text").signature[:8].hex() == FIRST_BYTES


FIRST_BYTES = "662f8d99f369b89a"


def test_a_long_text_is_sketched_in_pieces() -> None:
    """Its length changes nothing but the time: a repeated text has the same shingles."""
    text = TEXTS[Language.EN] + " "
    assert compare(text * 2, text * 100) == 1


def test_the_most_similar_come_first_and_equals_keep_their_order() -> None:
    """What is not similar at all does not come."""
    text = TEXTS[Language.EN]
    near = sketch_of(text.replace("two", "six")).signature
    same, far = sketch_of(text).signature, sketch_of("something else").signature
    candidates = [("near", near), ("far", far), ("same", same), ("same too", same)]
    assert [name for name, _ in closest(same, candidates, 5)] == ["same", "same too", "near"]
    assert [name for name, _ in closest(same, candidates, 1)] == ["same"]


def test_a_sketch_takes_little_time() -> None:
    """A text of 200 characters takes under 0.3 ms on an idle processor; ten times that is wrong."""
    text = TEXTS[Language.EN][:200]
    sketch_of(text)
    took = min(_seconds(text) for _ in range(20))
    assert took < 0.003


def _seconds(text: str) -> float:
    began = time.perf_counter()
    sketch_of(text)
    return time.perf_counter() - began
