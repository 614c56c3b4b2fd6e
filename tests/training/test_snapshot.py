"""The snapshot merges, drops and splits by the text alone."""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.corpora import HATE, PLAIN, write_abuse_corpus, write_corpus
from training.config import Experiment
from training.corpora.examples import Example, fold_hash, merge_key, read_examples, read_reserved
from training.corpora.snapshot import build_snapshot, load_snapshot
from training.corpora.sources import OUTPUTS, Row, Source
from training.corpora.splits import CALIBRATE, DEV, TRAIN
from triage_ml.errors import InvalidInput

SETTINGS = Experiment("test", sources=("de_germeval2018",))
SOURCE = Source("a", "en", "open", "CC0", "us", lambda _: iter(()), ("self_harm",))


def example(*rows: Row) -> Example:
    made = Example("key", "text", "en")
    for row in rows:
        made.add(SOURCE, row)
    return made


def test_hash_folds_case_space_and_composition() -> None:
    """The hash is the one of exclude.sha256: NFC, one space, stripped, casefolded."""
    expected = hashlib.sha256("größe é".casefold().encode()).hexdigest()
    assert fold_hash("  GRÖSSE \t e\u0301 ") == expected


def test_drops_reserved_texts_and_says_how_many(tmp_path: Path) -> None:
    """A text whose hash is reserved is nowhere in the snapshot."""
    write_corpus(tmp_path, "de_germeval2018")
    (tmp_path / "exclude.sha256").write_text(fold_hash(PLAIN.upper()) + "\n", "ascii")
    summary = build_snapshot(tmp_path, tmp_path / "out", SETTINGS)
    assert summary["dropped"]["reserved:de_germeval2018"] == 1
    assert PLAIN not in load_snapshot(tmp_path / "out")[0]["text"]


def test_merges_the_same_post_across_corpora(tmp_path: Path) -> None:
    """A post whose mentions are masked in two ways is one example with both labels."""
    for name in ("tr_offenseval2020", "tr_troff_finelabels"):
        write_corpus(tmp_path, name)
    settings = Experiment("test", sources=("tr_offenseval2020", "tr_troff_finelabels"))
    summary = build_snapshot(tmp_path, tmp_path / "out", settings)
    rows = load_snapshot(tmp_path / "out")[0]
    shared = [row for row in rows if len(row["sources"]) == 2]
    assert summary["dropped"]["duplicate"] == len(shared) == 2
    insult = next(row for row in shared if row["text"].startswith("@USER"))
    assert insult["labels"][OUTPUTS.index("harassment")] == 1


def test_same_data_gives_the_same_hash(tmp_path: Path) -> None:
    """The content hash depends on the data and on nothing else."""
    write_corpus(tmp_path, "de_germeval2018")
    hashes = {build_snapshot(tmp_path, tmp_path / n, SETTINGS)["hash"] for n in ("a", "b")}
    assert len(hashes) == 1


def test_no_text_straddles_splits(tmp_path: Path) -> None:
    """However a text is written, it lands in one split, and all splits get some."""
    write_abuse_corpus(tmp_path, 60)
    settings = Experiment("test", sources=("de_germeval2018", "es_meoffendes"))
    build_snapshot(tmp_path, tmp_path / "out", settings)
    rows = load_snapshot(tmp_path / "out")[0]
    keys = {split: set() for split in (TRAIN, CALIBRATE, DEV)}
    for row in rows:
        keys[row["split"]].add(merge_key(f"@somebody {row['text'].upper()}!! https://x.example"))
    assert not keys[TRAIN] & keys[DEV]
    assert not keys[TRAIN] & keys[CALIBRATE]
    assert all(keys.values())


def test_contradicting_sources_leave_the_output_unknown() -> None:
    """Where two corpora contradict each other, nobody decided."""
    made = example(Row("t", {"hate": 1, "violation": 1}), Row("t", {"hate": 0, "violation": 1}))
    assert made.label("hate") == -1
    assert made.label("violation") == 1
    assert not made.weak("hate")


def test_a_rater_overrules_a_weak_source() -> None:
    """A weak label never contests a rater's, and alone it stays marked as weak."""
    made = Example("key", "text", "en")
    made.add(replace(SOURCE, weak=True), Row("t", {"hate": 1, "profanity": 1}))
    assert made.weak("hate")
    made.add(SOURCE, Row("t", {"hate": 0}))
    assert made.label("hate") == 0
    assert not made.weak("hate")
    assert made.weak("profanity")


def test_spans_follow_the_normalised_text(tmp_path: Path) -> None:
    """What raters marked in the original is marked in the text the model reads."""
    (tmp_path / "exclude.sha256").write_text("", "ascii")
    text = "you are a u\u200bseless person"
    row = Row(text, {"violation": 1}, spans=((text.index("u\u200bs"), text.index(" person")),))
    source = replace(SOURCE, read=lambda _: iter([row]))
    made = next(read_examples(tmp_path, [source], Counter()))
    start, end = (made.spans or ())[0]
    assert made.text[start:end] == "useless"


def test_unasked_outputs_are_unknown() -> None:
    """What no corpus asked about is unknown, or a weak negative where the source says so."""
    made = example(Row("t", {"hate": 0}))
    assert made.label("harassment") == made.label("self_harm") == -1
    assert made.weak("self_harm")
    assert not made.weak("harassment")
    assert made.weak("violation")


@pytest.mark.parametrize("labels", [{"hate": 1}, {"hate": 0, "profanity": 1}, {"violation": 1}])
def test_violation_is_not_assumed_absent_beside_a_positive(labels: dict[str, int]) -> None:
    """Only a text of which everything decided is absent is weakly no violation."""
    assert not example(Row("t", labels)).weak("violation")


def test_refuses_a_missing_data_folder(tmp_path: Path) -> None:
    """A wrong data folder is named before any work."""
    with pytest.raises(InvalidInput, match="TRIAGE_DATA"):
        build_snapshot(tmp_path / "nowhere", tmp_path / "out", SETTINGS)


def test_refuses_a_data_folder_without_the_reserved_list(tmp_path: Path) -> None:
    """Without exclude.sha256 nothing is read."""
    write_corpus(tmp_path, "de_germeval2018")
    (tmp_path / "exclude.sha256").unlink()
    with pytest.raises(InvalidInput, match=r"exclude\.sha256"):
        build_snapshot(tmp_path, tmp_path / "out", SETTINGS)


HASH = fold_hash("kept").encode()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (HASH + b"\n\xfc\n", r"exclude\.sha256: line 2: not 64 lower-case hex digits"),
        (HASH.upper(), r"exclude\.sha256: line 1: not 64"),
        (HASH + b"\n" + HASH[:-1] + b"\n", r"exclude\.sha256: line 2: not 64"),
        (HASH + b"  a.txt\n", r"exclude\.sha256: line 1: not 64"),
    ],
)
def test_refuses_a_reserved_list_that_is_none(tmp_path: Path, written: bytes, told: str) -> None:
    """Bytes of no alphabet, capitals, a cut line, the output of sha256sum."""
    (tmp_path / "exclude.sha256").write_bytes(written)
    with pytest.raises(InvalidInput, match=told):
        read_reserved(tmp_path)


def test_a_reserved_list_may_be_empty_and_has_a_name(tmp_path: Path) -> None:
    """Its name is the hash of the file; that of another list is another."""
    path = tmp_path / "exclude.sha256"
    path.touch()
    none = read_reserved(tmp_path)
    path.write_bytes(HASH + b"\n")
    some = read_reserved(tmp_path)
    assert (none.hashes, some.hashes) == (frozenset(), {HASH.decode()})
    assert some.sha256 == hashlib.sha256(HASH + b"\n").hexdigest() != none.sha256


def test_a_reserved_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Here a folder stands in its place."""
    (tmp_path / "exclude.sha256").mkdir()
    with pytest.raises(InvalidInput, match=r"exclude\.sha256: cannot be read: "):
        read_reserved(tmp_path)


def test_refuses_a_missing_corpus(tmp_path: Path) -> None:
    """A corpus that is not there is named."""
    write_corpus(tmp_path, "de_gahd")
    with pytest.raises(InvalidInput, match="no such corpus") as caught:
        build_snapshot(tmp_path, tmp_path / "out", SETTINGS)
    assert caught.value.field.endswith("de_germeval2018")


def test_refuses_an_unknown_source(tmp_path: Path) -> None:
    """A source without a reader is named."""
    with pytest.raises(InvalidInput, match="no reader for nothing"):
        build_snapshot(tmp_path, tmp_path / "out", Experiment("test", sources=("nothing",)))


def test_refuses_to_load_what_is_not_a_snapshot(tmp_path: Path) -> None:
    """A folder without a summary is not a snapshot."""
    with pytest.raises(InvalidInput, match="no snapshot"):
        load_snapshot(tmp_path)


def test_hateful_row_keeps_its_source(tmp_path: Path) -> None:
    """Every example names the corpora it came from."""
    write_corpus(tmp_path, "de_germeval2018")
    build_snapshot(tmp_path, tmp_path / "out", SETTINGS)
    row = next(r for r in load_snapshot(tmp_path / "out")[0] if r["text"] == HATE)
    assert row["sources"] == ["de_germeval2018"]
    assert row["language"] == "de"
