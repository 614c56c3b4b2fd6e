"""Spans, severity and groups of the English corpora."""

from pathlib import Path

from tests.training.corpora import write_corpus
from tests.training.shapes import COARSE, INSULT, PLAIN
from training.corpora.readers import SOURCES
from training.corpora.readers.english_abuse import merged
from training.corpora.readers.selection import capped
from training.corpora.sources import Row

READERS = {source.name: source for source in SOURCES}


def read(name: str, data: Path) -> dict[str, Row]:
    return {row.text: row for row in READERS[name].read(write_corpus(data, name))}


def test_spans_are_what_half_of_the_raters_marked(tmp_path: Path) -> None:
    """Typed spans count where half of the raters agree, the shared task's spans as they are."""
    rows = read("en_toxic_spans", tmp_path)
    assert rows[INSULT].spans == ((10, 17),)
    assert rows[COARSE].spans == ((0, 3), (9, 10))


def test_joins_neighbouring_characters() -> None:
    """Character positions become ranges, in any order and with repeats."""
    assert merged([5, 3, 4, 4, 9]) == ((3, 6), (9, 10))
    assert merged([]) == ()


def test_severity_follows_the_rating(tmp_path: Path) -> None:
    """Behaviour is graver than ideation; a very offensive comment than a mildly offensive one."""
    severities = [dict(row.severity) for row in read("en_cssrs500", tmp_path).values()]
    assert severities == [{"self_harm": 3}, {}]
    rows = read("en_ruddit", tmp_path)
    assert (rows[INSULT].severity, rows[PLAIN].severity) == ({"violation": 2}, {})


def test_sentences_of_one_post_are_a_group(tmp_path: Path) -> None:
    """Sentences of one forum post, and posts of one user, stay together."""
    assert {row.group for row in read("en_stormfront_vicomtech", tmp_path).values()} == {"7"}
    assert {row.group for row in read("en_cssrs500", tmp_path).values()} == {"user-0", "user-1"}


def test_a_cap_spares_what_is_present_or_held_out() -> None:
    """Only absent rows of the training part are thinned out, always the same ones."""
    rows = [Row(f"text {i}", {"hate": 0}) for i in range(20)]
    kept = [Row("present", {"hate": 1}), Row("held out", {"hate": 0}, held_out=True)]
    few = list(capped([*rows, *kept], 5))
    assert few[:2] == kept
    assert few == list(capped([*reversed(rows), *kept], 5))
    assert len(few) == 5
