"""A data folder in the shapes of the public corpora, with sober sentences of our own."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.training.corpora_de import GERMAN
from tests.training.corpora_en import ENGLISH
from tests.training.corpora_en_other import ENGLISH_OTHER
from tests.training.corpora_es import SPANISH
from tests.training.corpora_ko import KOREAN
from tests.training.corpora_tr import TURKISH
from tests.training.shapes import COARSE, HATE, INSULT, ODD, PLAIN, sheet, table


def _germeval2018(d: Path) -> None:
    rows = [
        [HATE, "OFFENSE", "ABUSE"],
        [INSULT, "OFFENSE", "INSULT"],
        [COARSE, "OFFENSE", "PROFANITY"],
        [PLAIN, "OTHER", "OTHER"],
    ]
    table(d / "germeval2018.training.txt", rows, "\t")


def _germeval2019(d: Path) -> None:
    table(d / "germeval2019.training_subtask1_2_korrigiert.txt", [[HATE, "OFFENSE", "ABUSE"]], "\t")
    table(d / "germeval2019GoldLabelsSubtask1_2.txt", [[PLAIN, "OTHER", "OTHER"]], "\t")


def _germeval2021(d: Path) -> None:
    head: list[object] = ["comment_id", "text", "label"]
    table(d / "data__GermEval21_TrainData.csv", [head, [1, INSULT, 1]], ",")
    table(d / "data__GermEval21_TestData.csv", [head, [2, PLAIN, 0]], ",")


def _gahd(d: Path) -> None:
    rows: list[list[object]] = [
        ["gahd_id", "text", "label", "split"],
        ["a", HATE, 1, "train"],
        ["b", PLAIN, 0, "test"],
    ]
    table(d / "gahd.csv", rows, ",")


def _davidson(d: Path) -> None:
    rows: list[list[object]] = [["class", "tweet"], [0, HATE], [1, COARSE], [2, PLAIN]]
    table(d / "data__labeled_data.csv", rows, ",")


def _olid(d: Path) -> None:
    rows: list[list[object]] = [
        ["id", "tweet", "subtask_a", "subtask_b", "subtask_c"],
        [1, INSULT, "OFF", "TIN", "IND"],
        [2, HATE, "OFF", "TIN", "GRP"],
        [3, COARSE, "OFF", "UNT", "NULL"],
        [4, PLAIN, "NOT", "NULL", "NULL"],
    ]
    table(d / "data__olid-training-v1.0.tsv", rows, "\t")


def _implicit_hate(d: Path) -> None:
    rows: list[list[object]] = [["post", "class"], [HATE, "implicit_hate"], [PLAIN, "not_hate"]]
    table(d / "implicit-hate-corpus__implicit_hate_v1_stg1_posts.tsv", rows, "\t")


def _hatexplain(d: Path) -> None:
    head: list[object] = ["id", "unmasked_sentence", "gt_label"]
    table(d / "val.csv", [head, [1, HATE, "hate"], [2, INSULT, "offensive"]], ",")
    table(d / "test.csv", [head, [3, PLAIN, "normal"]], ",")


def _jigsaw(d: Path) -> None:
    names = ["comment_text", "toxic", "obscene", "threat", "insult", "identity_hate", "dataset"]
    rows: list[list[object]] = [
        [*names],
        [INSULT, 1, 0, 0, 1, 0, "train"],
        [COARSE, 1, 1, 0, 0, 0, "train"],
        [PLAIN, 0, 0, 0, 0, 0, "test"],
    ]
    table(d / "toxic_comments.csv", rows, ",")


def _suicide_twitter(d: Path) -> None:
    rows: list[list[object]] = [
        ["Text", "Semantic"],
        ["I do not want to go on", "Potential Suicide post"],
        [PLAIN, "Not Suicide post"],
    ]
    table(d / "Suicide_Ideation_Dataset(Twitter-based).csv", rows, ",")


def _sms_spam_uci(d: Path) -> None:
    rows: list[list[object]] = [["spam", "WIN a prize, call now"], ["ham", PLAIN]]
    table(d / "data__SMSSpamCollection", rows, "\t")


def _offenseval_tr(d: Path) -> None:
    rows: list[list[object]] = [[1, "@USER " + INSULT, "OFF"], [2, PLAIN, "NOT"]]
    table(d / "offenseval-tr-training-v1.tsv", rows, "\t")


def _troff(d: Path) -> None:
    rows: list[list[object]] = [
        ["text", "label"],
        ["@01234 " + INSULT, "ind"],
        [HATE, "grp"],
        [COARSE, "prof"],
        [PLAIN, "non"],
    ]
    table(d / "troff_fine_trainonly.tsv", rows, "\t")


def _mayda(d: Path) -> None:
    rows: list[list[object]] = [
        ["tweet", "etiket"],
        [HATE, "nefret"],
        [INSULT, "saldırgan"],
        [PLAIN, "hiçbiri"],
    ]
    sheet(d / "final_hate_speech.xlsx", rows)


def _teknofest(d: Path) -> None:
    rows: list[list[object]] = [
        ["id", "text", "is_offensive", "target"],
        [1, INSULT, 1, "INSULT"],
        [2, HATE, 1, "RACIST"],
        [3, PLAIN, 0, "OTHER"],
        [4, ODD, 1, "OTHER"],
    ]
    table(d / "data__raw__teknofest_train_final.csv", rows, "|")


def _hmpk(d: Path) -> None:
    sheet(d / "HMPK_dataset.xlsx", [["mesaj", "label"], [INSULT, 1], [PLAIN, 0]])


def _tr_sms(d: Path) -> None:
    rows: list[list[object]] = [
        ["Message", "Group", "GroupText"],
        ["Hemen ara, kazan", 1, "Spam"],
        [PLAIN, 2, "Normal"],
    ]
    table(d / "TurkishSMSCollection.csv", rows, ";")


def _meoffendes(d: Path) -> None:
    head: list[object] = ["comment_id", "comment", "label"]
    rows: list[list[object]] = [head, [1, INSULT, "OFP"], [2, HATE, "OFG"], [3, COARSE, "NOE"]]
    table(d / "split_MeOffendES__training_set.tsv", rows, "\t")
    table(d / "split_MeOffendES__dev_set.tsv", [head, [4, PLAIN, "NO"]], "\t")


def _suicide_es(d: Path) -> None:
    rows: list[list[object]] = [
        ["frase", "tweet_clean", "suicidio"],
        ["a", "No quiero seguir", 1],
        ["b", PLAIN, 0],
    ]
    table(d / "dataset__suicidio_notacion.csv", rows, ",")


def _kodoli(d: Path) -> None:
    rows: list[list[object]] = [
        ["index", "sentences", "abuse", "offensiveness"],
        [1, HATE, "ABS", "OFFEN"],
        [2, ODD, "ABS", "LIKELY"],
        [3, COARSE, "ABS", "NOT"],
        [4, PLAIN, "NON", "NOT"],
    ]
    table(d / "data__kodoli.csv", rows, ",")


def _beep(d: Path) -> None:
    head: list[object] = ["comments", "contain_gender_bias", "bias", "hate"]
    rows: list[list[object]] = [
        head,
        [HATE, "True", "gender", "hate"],
        [INSULT, "False", "none", "hate"],
        [ODD, "True", "gender", "none"],
    ]
    table(d / "labeled__train.tsv", rows, "\t")
    table(d / "labeled__dev.tsv", [head, [PLAIN, "False", "none", "none"]], "\t")


def _kmhas(d: Path) -> None:
    rows: list[list[object]] = [["document", "label"], [HATE, "1,3"], [COARSE, 7], [PLAIN, 8]]
    table(d / "data__kmhas_valid.txt", rows, "\t")


def _ko_sms(d: Path) -> None:
    rows: list[list[object]] = [["content", "class"], ["당첨 확인 바로가기", 2], [PLAIN, 1]]
    table(d / "ko_sms_spam.csv", rows, ",")


def _sib(d: Path) -> None:
    for code in ("eng_Latn", "deu_Latn", "tur_Latn", "spa_Latn", "kor_Hang"):
        for split in ("train", "dev", "test"):
            rows: list[list[object]] = [
                ["index_id", "category", "text"],
                [1, "travel", f"{PLAIN}, said the {code} {split} guide"],
            ]
            table(d / f"data__annotated__{code}__{split}.tsv", rows, "\t")


WRITERS: Mapping[str, Callable[[Path], None]] = {
    "de_germeval2018": _germeval2018,
    "de_germeval2019": _germeval2019,
    "de_germeval2021": _germeval2021,
    "de_gahd": _gahd,
    "en_davidson2017": _davidson,
    "en_olid2019": _olid,
    "en_implicit_hate": _implicit_hate,
    "en_hatexplain_valtest": _hatexplain,
    "en_jigsaw_subset": _jigsaw,
    "en_suicide_twitter_1787": _suicide_twitter,
    "en_sms_spam_uci": _sms_spam_uci,
    "tr_offenseval2020": _offenseval_tr,
    "tr_troff_finelabels": _troff,
    "tr_mayda_hate": _mayda,
    "tr_teknofest2023_offense": _teknofest,
    "tr_hmpk_insult": _hmpk,
    "tr_sms_spam": _tr_sms,
    "es_meoffendes": _meoffendes,
    "es_suicide_tweets": _suicide_es,
    "ko_kodoli": _kodoli,
    "ko_beep_kocohub": _beep,
    "ko_kmhas": _kmhas,
    "ko_sms_spam_19k": _ko_sms,
    "multi_sib200_benign": _sib,
    **ENGLISH,
    **ENGLISH_OTHER,
    **GERMAN,
    **TURKISH,
    **SPANISH,
    **KOREAN,
}


def write_corpus(data: Path, name: str) -> Path:
    """Write one corpus under `data/raw` and an empty list of reserved hashes."""
    folder = data / "raw" / name
    folder.mkdir(parents=True, exist_ok=True)
    WRITERS[name](folder)
    (data / "exclude.sha256").touch()
    return folder


SYLLABLES = ("balo", "temi", "kuru", "siva", "dopa", "resi", "mona", "lefu", "gita", "nazo")


def place(number: int) -> str:
    """Spell a number as an invented place name, so that rows are no near duplicates."""
    return "".join(SYLLABLES[int(digit)] for digit in f"{number:04d}")


def write_abuse_corpus(data: Path, n_rows: int) -> None:
    """Write many distinct rows in three corpora, so that every split gets some."""
    folder = data / "raw" / "de_germeval2018"
    folder.mkdir(parents=True)
    fine = (("ABUSE", HATE), ("INSULT", INSULT), ("PROFANITY", COARSE), ("OTHER", PLAIN))
    rows: list[list[object]] = [
        [f"{text} {place(i * 37)} {place(i)}", "OTHER" if label == "OTHER" else "OFFENSE", label]
        for i in range(n_rows)
        for label, text in fine
    ]
    table(folder / "germeval2018.training.txt", rows, "\t")
    folder = data / "raw" / "es_meoffendes"
    folder.mkdir(parents=True)
    head: list[object] = ["comment", "label"]
    marked = (("OFP", INSULT), ("OFG", HATE), ("NOE", COARSE), ("NO", PLAIN))
    body: list[list[object]] = [
        [f"{text} {place(i * 91)} {place(i)}", label]
        for i in range(n_rows)
        for label, text in marked
    ]
    table(folder / "split_MeOffendES__training_set.tsv", [head, *body], "\t")
    table(folder / "split_MeOffendES__dev_set.tsv", [head, [ODD, "NO"]], "\t")
    write_corpus(data, "multi_sib200_benign")
