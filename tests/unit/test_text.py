"""The normaliser: what it changes, what it leaves alone, and where each character was."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from triage_ml.domain.report import MAX_TEXT_CHARS
from triage_ml.domain.text import MAX_MARKS, normalise

ODD = "aA iİıI\u0307\u0306\u0301еоіΑοﬁＡ①ㅋㅠㄱㅏㄴ가각\u1100\u1161\u11a8\u115f\u3164"
ODDER = "\u200b\u200d\u202e\u2066\u00ad\ufe0f\ufeff\t\n\u3000\u00a0\ud800\x00!.1½あ\u3099ﾊﾞก\u0e33"
any_text = st.text(max_size=60) | st.text(alphabet=ODD + ODDER, max_size=30)


@given(any_text)
@example("ㅋㅋㅋㄱㅏㄴㅏㄷㅏ")
@example("i\u0307\u0306\u0307")
@settings(max_examples=400)
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    """The result of normalise is its own normal form, and says so."""
    once = normalise(text).text
    again = normalise(once)
    assert again.text == once
    assert again.is_identity


@given(any_text)
@settings(max_examples=400)
def test_offsets_rise_and_stay_inside_the_original(text: str) -> None:
    """One offset per character and one for the end, in order, none outside the original."""
    result = normalise(text)
    assert len(result.starts) == len(result.text) + 1
    assert list(result.starts) == sorted(result.starts)
    assert result.starts[-1] == len(text)
    assert result.starts[0] >= 0
    assert all(start < len(text) for start in result.starts[:-1])


@given(any_text, st.data())
def test_every_span_leads_to_characters_of_the_original(text: str, data: st.DataObject) -> None:
    """A non-empty span of the result always shows a non-empty piece of the original."""
    result = normalise(text)
    if not result.text:
        return
    start = data.draw(st.integers(0, len(result.text) - 1))
    end = data.draw(st.integers(start + 1, len(result.text)))
    first, last = result.original_span(start, end)
    assert 0 <= first < last <= len(text)


@given(any_text)
def test_nothing_unstorable_or_invisible_is_left(text: str) -> None:
    """No surrogate, control, bidi or zero-width character survives, and no outer space."""
    result = normalise(text).text
    assert result == result.strip()
    assert not any(unicodedata.category(c) in {"Cs", "Cc"} for c in result)
    assert not set(result) & set("\u200b\u200d\u202e\u2066\u00ad\ufe0f\ufeff\u3164\u115f")


CHANGED = {
    "full-width letters": ("ｈｅｌｌｏ", "hello"),
    "mathematical letters": ("𝒽𝓮𝐥𝖑𝘰", "hello"),
    "circled letters": ("ⓗⓘ", "hi"),
    "ligatures": ("ﬁne", "fine"),
    "zero-width characters": ("b\u200ba\u200dd\ufeff", "bad"),
    "bidi controls": ("\u202eolleh\u202c \u2066x\u2069", "olleh x"),
    "soft hyphens": ("hy\u00adphen", "hyphen"),
    "variation selectors": ("☹\ufe0f", "☹"),
    "Hangul fillers": ("\u3164가\u115f나\uffa0", "가나"),
    "control characters": ("a\x00b\x1bc", "abc"),
    "a look-alike in a mixed word": ("hеllо", "hello"),
    "a Greek look-alike in a mixed word": ("gοοd", "good"),
    "stretched letters": ("sooooo baaad", "soo baad"),
    "stretched signs": ("what?!!!!!", "what?!!"),
    "a dot left by lower-casing İ": ("i\u0307stanbul", "istanbul"),
    "İ in two parts": ("I\u0307stanbul", "İstanbul"),
    "German in parts": ("u\u0308ber Fu\u0308ße", "über Füße"),
    "Spanish in parts": ("man\u0303ana, si\u0301", "mañana, sí"),
    "Turkish in parts": ("g\u0306u\u0308c\u0327s\u0327", "ğüçş"),
    "conjoining jamo": ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
    "compatibility jamo": ("ㅎㅏㄴㄱㅡㄹ", "한글"),
    "compatibility jamo, open syllables": ("ㄴㅏㅃㅏ", "나빠"),
    "spelled-out letters": ("so s t u p i d  now", "so stupid now"),
    "spelled out with signs": ("b-a-d-l-y, v.e.r.y and d_u_m_b", "badly, very and dumb"),
    "spelled-out syllables": ("정.말.바.보, 너 는 정 말 바 보", "정말바보, 너는정말바보"),
    "spelled-out jamo": ("ㄴ ㅏ ㅃ ㅏ", "나빠"),
    "long laughter, shortened": ("ㅋㅋㅋㅋㅋ", "ㅋㅋ"),
    "long tears, shortened": ("ㅠㅠㅠㅠ", "ㅠㅠ"),
    "white space": ("  a \t\n b\u00a0\u3000c ", "a b c"),
    "a lone surrogate": ("a\ud800b", "a\ufffdb"),
    "only invisible characters": ("\u200b\u2060 \u3164", ""),
}


@pytest.mark.parametrize(("text", "wanted"), CHANGED.values(), ids=CHANGED)
def test_disguises_are_undone(text: str, wanted: str) -> None:
    """What looks the same to a reader becomes the same text."""
    assert normalise(text).text == wanted


KEPT = {
    "case": "STOP Shouting",
    "Turkish i's": "İIıi",
    "Russian": "Привет, как дела",
    "Greek": "Καλημέρα κόσμε",
    "Russian beside English": "hello привет",
    "Korean": "한국어 문장입니다",
    "short Korean words": "너 왜 안 와, 나 좀 봐 줘",
    "abbreviations": "in the U.S.A. today",
    "options": "a, b, c, d or a / b / c / d or a/b/c/d",
    "sums": "x+y+z+w",
    "signs between words": "one-two-three-four",
    "letters under different signs": "a-b.c d",
    "laughter": "ㅋㅋ",
    "tears": "ㅠㅠ ㅜㅜ",
    "laughter and tears": "ㅋㅠ",
    "letters of one jamo run that are no syllables": "ㅇㅈㄹㄴ",
    "digits": "1000000 and 99999",
    "doubled letters": "book, cool, ¡sí!",
    "German": "Straße, Äpfel",
    "emoji": "😀😀 👍",
    "the empty text": "",
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_ordinary_writing_is_left_alone(text: str) -> None:
    """A text without disguise comes back as it went in, with identical offsets."""
    result = normalise(text)
    assert result.text == text
    assert result.is_identity


SPANS = {
    "behind zero-width characters": ("a \u200b\u200bbad", "bad", "bad"),
    "over zero-width characters": ("b\u200ba\u200bd x", "bad", "b\u200ba\u200bd"),
    "a stretched word": ("so baaaaad now", "baad", "baaaaad"),
    "a composed letter": ("u\u0308bel x", "übel", "u\u0308bel"),
    "a ligature": ("ﬁne", "fi", "ﬁ"),
    "half a ligature": ("ﬁne", "f", "ﬁ"),
    "a joined syllable": ("아 ㄴㅏㅃㅏ", "나빠", "ㄴㅏㅃㅏ"),
    "spelled-out letters": ("so s t u p i d now", "stupid", "s t u p i d"),
    "inside spelled-out letters": ("so s t u p i d now", "tup", "t u p "),
    "after collapsed spaces": ("a \n\t  b c", "b", "b"),
    "at the end, with dropped characters": ("say bad\u200b", "bad", "bad\u200b"),
}


@pytest.mark.parametrize(("text", "found", "shown"), SPANS.values(), ids=SPANS)
def test_a_span_is_shown_where_it_stands_in_the_original(text: str, found: str, shown: str) -> None:
    """original_span gives the piece of the original that made a span."""
    result = normalise(text)
    start = result.text.index(found)
    first, last = result.original_span(start, start + len(found))
    assert text[first:last] == shown


@pytest.mark.parametrize(("start", "end"), [(0, 0), (2, 1), (-1, 1), (0, 4)])
def test_a_span_outside_the_text_is_refused(start: int, end: int) -> None:
    """Empty, reversed and over-long spans are a programming error."""
    with pytest.raises(ValueError, match="is outside a text of 3"):
        normalise("abc").original_span(start, end)


@pytest.mark.parametrize(
    "unit",
    ["a", "Ａ ", "ㄱㅏㄴㅏ", "i\u0307\u0306", "ㅋㅋㅋ ", "hеllо ", "\u200b", " ", "\u05b0\u0591"],
)
def test_the_longest_text_is_normalised_whole(unit: str) -> None:
    """A text at the size limit comes back whole: its last word is still there."""
    text = (unit * MAX_TEXT_CHARS)[: MAX_TEXT_CHARS - 4] + " end"
    result = normalise(text)
    assert result.text.endswith("end")
    assert result.starts[-1] == MAX_TEXT_CHARS


def test_piled_marks_are_thinned() -> None:
    """Sixteen marks on one letter stay, in whatever order; ordering more would take too long."""
    text = "a" + "\u0316\u0301" * 5000 + "b"
    thinned = normalise(text)
    assert len(thinned.text) <= 2 + MAX_MARKS
    assert thinned.text.endswith("b")
    assert thinned.starts[-1] == len(text)
