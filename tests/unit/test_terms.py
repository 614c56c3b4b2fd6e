"""Terms and near-duplicates that emerge, and what never comes out."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.taxonomy import Language
from triage_ml.domain.terms import (
    MIN_AUTHORS,
    MIN_ITEMS,
    ReportedText,
    find_emerging,
    log_odds,
    terms_of,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_numbers = count(1)
FILLERS = ("bread", "river", "garden", "window", "market", "bridge", "teapot", "violin")


def text(body, *, author=None, language=Language.EN, recent=True) -> ReportedText:
    n = next(_numbers)
    at = NOW - timedelta(days=1 if recent else 15, seconds=n)
    who = author or f"author-{n}"
    return ReportedText(UUID(int=n), f"item-{n}", who, language, body, at, recent)


def usual(n=160, recent=False, language=Language.EN) -> list[ReportedText]:
    """Texts of every day, each of other words."""
    bodies = (
        f"{FILLERS[i % 8]} and {FILLERS[(i // 8) % 8]} near {FILLERS[(i * 3) % 8]}"
        for i in range(n)
    )
    return [
        text(f"{body} {i % 7}", recent=recent, language=language) for i, body in enumerate(bodies)
    ]


def words_of(found, kind="term") -> set[str]:
    return {row.words for row in found if row.kind == kind}


def test_a_new_word_of_several_people_emerges():
    """With how many items and authors it has, and its newest cases first."""
    new = [text(f"buy glowberry {FILLERS[i]} today") for i in range(8)]
    found = find_emerging([*usual(), *usual(40, recent=True), *new])
    [row] = [row for row in found if row.words == "glowberry"]
    assert (row.kind, row.n_items, row.n_authors, row.n_before) == ("term", 8, 8, 0)
    assert row.case_ids[0] == new[0].case_id
    assert (row.first_at, row.last_at) == (new[-1].received_at, new[0].received_at)


def test_a_language_of_a_single_word_has_nothing_to_compare():
    """One text of one word must not stop the search in all the others."""
    alone = text("merhaba", language=Language.TR)
    new = [text(f"buy glowberry {FILLERS[i]} today") for i in range(8)]
    found = find_emerging([*usual(), *usual(40, recent=True), *new, alone])
    assert "glowberry" in words_of(found)
    assert log_odds(Counter({"merhaba": 3}), Counter()) == {}


def test_what_was_always_said_does_not_emerge():
    found = find_emerging([*usual(), *usual(40, recent=True)])
    assert words_of(found) == set()


@pytest.mark.parametrize(
    ("n_items", "n_authors"), [(MIN_ITEMS - 1, MIN_ITEMS - 1), (12, MIN_AUTHORS - 1)]
)
def test_a_word_of_few_never_shows(n_items, n_authors):
    """A term of one person could say who they are."""
    new = [
        text(f"glowberry {FILLERS[i % 8]}", author=f"few-{i % n_authors}") for i in range(n_items)
    ]
    found = find_emerging([*usual(), *usual(40, recent=True), *new])
    assert not any("glowberry" in row.words for row in found)


def test_an_item_reported_often_counts_once():
    one = text("glowberry here")
    assert words_of(find_emerging([*usual(), *([one] * 20)])) == set()


@pytest.mark.parametrize(
    "private",
    [
        "anna@mail.example",
        "@anna_b",
        "+49 170 1234567",
        "0170-1234567",
        "123456",
        "DE89370400440532013000",
        "http://user@host.example/x",
    ],
)
def test_what_looks_like_an_address_or_a_number_is_left_out(private):
    """No part of it becomes a term."""
    assert terms_of(f"write {private} now", Language.EN) <= {"write", "now"}


def test_of_a_link_its_host_stays():
    """A path can hold a name or a token; a host says where a fraud leads."""
    for link in ("https://Parcel.example/track/anna-berg?x=1#y", "parcel.example/anna-berg"):
        assert terms_of(f"see {link}", Language.EN) == {"see", "parcel.example"}


def test_turkish_letters_fold_as_turkish():
    """İ is i and I is ı."""
    assert terms_of("İSTANBUL ISPARTA", Language.TR) == {"istanbul", "ısparta"}


def test_korean_words_are_found_behind_their_particles():
    """Runs of syllables are terms too."""
    new = [
        text(f"{word} 조심하세요", language=Language.KO)
        for word in ("빛열매는", "빛열매를", "빛열매가")
    ]
    found = find_emerging(
        [*usual(language=Language.KO), *(text(row.text, language=Language.KO) for row in new * 3)]
    )
    assert "빛열매" in {row.words for row in found}


def test_the_same_words_in_another_order_are_a_cluster():
    """Numbers and links' paths may differ."""
    new = [
        text(f"your parcel {i} waits, pay the fee: https://fee.example/{i}") for i in range(3)
    ] + [text(f"Pay the fee, your parcel waits https://fee.example/x{i}") for i in range(4)]
    found = [
        row
        for row in find_emerging([*usual(), *usual(40, recent=True), *new])
        if row.kind == "cluster"
    ]
    assert [(row.n_items, row.n_before) for row in found] == [(7, 0)]


def test_a_key_names_it_as_long_as_it_lasts():
    """The same term has the same key in the next hour, another one another."""
    new = [text(f"glowberry {FILLERS[i]}") for i in range(8)]
    first = find_emerging([*usual(), *usual(40, recent=True), *new])
    second = find_emerging([*usual(), *usual(40, recent=True), *new, text("glowberry again")])
    keys = [{row.key for row in found if row.words == "glowberry"} for found in (first, second)]
    assert keys[0] == keys[1] != set()


def test_log_odds_grow_with_evidence():
    """Odds of 4.3 to 1 are surer with more texts; the prior draws them towards 1."""
    few = log_odds(Counter(a=8, b=92), Counter(a=2, b=98))
    many = log_odds(Counter(a=80, b=920), Counter(a=20, b=980))
    assert 0 < few["a"].z < many["a"].z
    assert 3.5 < many["a"].ratio < 4
    assert many["b"].z < 0


@given(st.text(max_size=300), st.sampled_from(Language))
def test_terms_of_any_text_are_short_and_hold_no_address(body, language):
    for word in terms_of(body, language):
        assert len(word) <= 100
        assert "@" not in word
        assert sum(letter.isdigit() for letter in word) < 5


def test_a_long_word_is_read_in_no_time():
    """No pattern takes the square of a text's length."""
    for body in ("a" * 100_000, "1 " * 50_000, "a1" * 50_000, "@" * 100_000):
        terms_of(body, Language.EN)
