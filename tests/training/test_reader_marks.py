"""What readers pass on beside labels: spans, severity, groups, splits."""

from pathlib import Path

from tests.training.corpora import write_corpus
from tests.training.shapes import COARSE, HATE, INSULT, ODD, PLAIN
from training.corpora.readers import SOURCES
from training.corpora.readers.sampling import keep_some
from training.corpora.sources import Row

READERS = {source.name: source for source in SOURCES}


def rows_of(name: str, data: Path) -> dict[str, Row]:
    return {row.text: row for row in READERS[name].read(write_corpus(data, name))}


def test_spans_are_places_in_the_text(tmp_path: Path) -> None:
    """Each listed piece is located; where one is not in the text, the spans are unknown."""
    rows = rows_of("ko_kold_dialect_subset", tmp_path)
    marked = [HATE[start:end] for start, end in rows[HATE].spans or ()]
    assert marked == ["Those people", "driven away"]
    assert rows[ODD].spans is None


def test_grades_become_severities(tmp_path: Path) -> None:
    """A corpus that grades gives a severity; the undecided shade between is borderline."""
    kodoli = rows_of("ko_kodoli", tmp_path)
    assert dict(kodoli[ODD].severity) == {"violation": 1}
    assert dict(kodoli[HATE].severity) == {"violation": 2}
    assert dict(kodoli[PLAIN].severity) == {}
    assert dict(rows_of("de_germs_at", tmp_path)[HATE].severity) == {"hate": 3}
    assert dict(rows_of("ko_siren_suicide", tmp_path)["그만 살고 싶다"].severity) == {
        "self_harm": 2
    }


def test_comments_of_a_thread_stay_together(tmp_path: Path) -> None:
    """Rows of one thread share a group, and the grade of toxicity is kept."""
    rows = rows_of("es_detoxis2021", tmp_path)
    assert rows[INSULT].group == rows[HATE].group == "0_1"
    assert dict(rows[HATE].severity) == {"violation": 3}


def test_the_publishers_validation_file_is_held_out(tmp_path: Path) -> None:
    """The split with published results can be told from the training file."""
    rows = rows_of("ko_unsmile", tmp_path)
    assert {text for text, row in rows.items() if row.held_out} == {COARSE, PLAIN}


def test_a_cap_keeps_the_same_texts_in_any_order() -> None:
    """Which rows a cap keeps depends on their texts alone."""
    rows = [Row(f"{PLAIN} {i}", {}) for i in range(50)]
    kept = {row.text for row in keep_some(rows, 20)}
    assert kept == {row.text for row in keep_some(reversed(rows), 20)}
    assert len(kept) == 20
