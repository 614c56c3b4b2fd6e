"""Each reader says what its corpus decides, and nothing more."""

from pathlib import Path

import pytest

from tests.training import (
    corpora_de,
    corpora_en,
    corpora_en_other,
    corpora_es,
    corpora_ko,
    corpora_tr,
)
from tests.training.corpora import WRITERS, write_corpus
from tests.training.shapes import (
    AT_RISK,
    CLEAN,
    COARSE,
    HATE,
    HATEFUL,
    INSULT,
    INSULTING,
    NO_ABUSE,
    ODD,
    PLAIN,
    SPAM,
)
from training.corpora.readers import SOURCES
from training.corpora.sources import OUTPUTS, SHIPPABLE_TIERS
from triage_ml.errors import InvalidInput

READERS = {source.name: source for source in SOURCES}
TIERS = SHIPPABLE_TIERS | {"non-commercial"}

EXPECTED = {
    "de_germeval2018": {
        HATE: HATEFUL,
        INSULT: INSULTING | {"hate": 0},
        COARSE: {"hate": 0, "harassment": 0, "profanity": 1},
        PLAIN: CLEAN,
    },
    "de_germeval2019": {HATE: HATEFUL, PLAIN: CLEAN},
    "de_germeval2021": {INSULT: {"violation": 1}, PLAIN: NO_ABUSE},
    "de_gahd": {HATE: HATEFUL, PLAIN: {"hate": 0}},
    "en_davidson2017": {HATE: HATEFUL, COARSE: {"hate": 0, "profanity": 1}, PLAIN: CLEAN},
    "en_olid2019": {
        INSULT: INSULTING,
        HATE: HATEFUL,
        COARSE: {"hate": 0, "harassment": 0, "profanity": 1},
        PLAIN: CLEAN,
    },
    "en_implicit_hate": {HATE: HATEFUL, PLAIN: {"hate": 0}},
    "en_hatexplain_valtest": {
        HATE: HATEFUL,
        INSULT: {"hate": 0, "violation": 1},
        PLAIN: NO_ABUSE,
    },
    "en_jigsaw_subset": {
        INSULT: INSULTING | {"hate": 0, "violent_threat": 0, "profanity": 0},
        COARSE: {"hate": 0, "harassment": 0, "violent_threat": 0, "profanity": 1},
        PLAIN: CLEAN | {"violent_threat": 0},
    },
    "en_suicide_twitter_1787": {"I do not want to go on": AT_RISK, PLAIN: {"self_harm": 0}},
    "en_sms_spam_uci": {"WIN a prize, call now": SPAM, PLAIN: {"deception_spam": 0}},
    "tr_offenseval2020": {"@USER " + INSULT: {"violation": 1}, PLAIN: CLEAN},
    "tr_troff_finelabels": {
        "@01234 " + INSULT: INSULTING,
        HATE: HATEFUL,
        COARSE: {"hate": 0, "harassment": 0, "profanity": 1},
        PLAIN: CLEAN,
    },
    "tr_mayda_hate": {HATE: HATEFUL, INSULT: {"hate": 0, "violation": 1}, PLAIN: NO_ABUSE},
    "tr_teknofest2023_offense": {
        INSULT: INSULTING | {"hate": 0},
        HATE: HATEFUL,
        PLAIN: CLEAN,
    },
    "tr_hmpk_insult": {INSULT: INSULTING, PLAIN: {"harassment": 0}},
    "tr_sms_spam": {"Hemen ara, kazan": SPAM, PLAIN: {"deception_spam": 0}},
    "es_meoffendes": {
        INSULT: INSULTING,
        HATE: HATEFUL,
        COARSE: NO_ABUSE | {"profanity": 1},
        PLAIN: CLEAN,
    },
    "es_suicide_tweets": {"No quiero seguir": AT_RISK, PLAIN: {"self_harm": 0}},
    "ko_kodoli": {
        HATE: {"violation": 1},
        ODD: {},
        COARSE: NO_ABUSE | {"profanity": 1},
        PLAIN: CLEAN,
    },
    "ko_beep_kocohub": {
        HATE: HATEFUL,
        INSULT: INSULTING | {"hate": 0},
        ODD: {"harassment": 0},
        PLAIN: NO_ABUSE,
    },
    "ko_kmhas": {
        HATE: HATEFUL | {"profanity": 0},
        COARSE: {"hate": 0, "profanity": 1},
        PLAIN: CLEAN,
    },
    "ko_sms_spam_19k": {"당첨 확인 바로가기": SPAM},
    **corpora_en.EXPECTED,
    **corpora_en_other.EXPECTED,
    **corpora_de.EXPECTED,
    **corpora_tr.EXPECTED,
    **corpora_es.EXPECTED,
    **corpora_ko.EXPECTED,
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_reads_what_the_corpus_decides(name: str, tmp_path: Path) -> None:
    """A reader gives exactly the labels its corpus's question decides."""
    folder = write_corpus(tmp_path, name)
    assert {row.text: dict(row.labels) for row in READERS[name].read(folder)} == EXPECTED[name]


def test_benign_sentences_decide_every_output_in_every_language(tmp_path: Path) -> None:
    """Encyclopaedic sentences count against every label, in all five languages."""
    folder = write_corpus(tmp_path, "multi_sib200_benign")
    rows = list(READERS["multi_sib200_benign"].read(folder))
    assert {row.language for row in rows} == {"en", "de", "tr", "es", "ko"}
    assert all(dict(row.labels) == dict.fromkeys(OUTPUTS, 0) for row in rows)


def test_every_reader_is_tested() -> None:
    """No corpus is read without a small copy of its shape in the tests.

    What is written for the project has no corpus folder: test_written reads its files themselves.
    """
    corpora = {source.name for source in SOURCES if not source.written}
    assert set(WRITERS) == corpora == {*EXPECTED, "multi_sib200_benign"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_states_licence_and_citation(source: object) -> None:
    """A source states its tier, licence and citation, and only knows outputs."""
    found = READERS[source.name]  # type: ignore[attr-defined]
    assert found.licence_tier in TIERS
    assert found.licence
    assert found.citation
    assert set(found.assumes_absent) <= set(OUTPUTS)


@pytest.mark.parametrize(
    ("name", "held_out"),
    [
        ("de_germeval2019", PLAIN),
        ("de_germeval2021", PLAIN),
        ("de_gahd", PLAIN),
        ("deen_hasoc2019", PLAIN),
        ("en_edos", PLAIN),
        ("en_gab_hate_corpus", PLAIN),
        ("en_hatemojibuild", PLAIN),
        ("en_hatexplain_valtest", PLAIN),
        ("en_jigsaw_subset", PLAIN),
        ("en_toxic_spans", COARSE),
        ("enes_exist2021", PLAIN),
        ("es_meoffendes", PLAIN),
        ("de_germs_at", PLAIN),
        ("es_hateval2019", PLAIN),
        ("ko_beep_kocohub", PLAIN),
        ("ko_kosbi_square", PLAIN),
    ],
)
def test_keeps_the_publishers_split(name: str, held_out: str, tmp_path: Path) -> None:
    """Rows of an official test or development file are held out."""
    folder = write_corpus(tmp_path, name)
    assert {row.text for row in READERS[name].read(folder) if row.held_out} == {held_out}


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_names_the_missing_file(name: str, tmp_path: Path) -> None:
    """A corpus folder without its file is refused, and the message names the file."""
    with pytest.raises(InvalidInput, match="no such file") as caught:
        list(READERS[name].read(tmp_path))
    assert str(tmp_path) in caught.value.field


def test_names_the_missing_column(tmp_path: Path) -> None:
    """A file without a needed column is refused, and the message names the column."""
    (tmp_path / "gahd.csv").write_text("id,text,split\n1,x,train\n", "utf-8")
    with pytest.raises(InvalidInput, match="label") as caught:
        list(READERS["de_gahd"].read(tmp_path))
    assert caught.value.field.endswith("gahd.csv: label")


def test_names_the_short_line_of_a_file_without_header(tmp_path: Path) -> None:
    """A headerless file with too few columns is refused, and the message names the line."""
    (tmp_path / "germeval2018.training.txt").write_text("a\tOTHER\tOTHER\nb\n", "utf-8")
    with pytest.raises(InvalidInput, match="line 2 has 1 columns"):
        list(READERS["de_germeval2018"].read(tmp_path))
