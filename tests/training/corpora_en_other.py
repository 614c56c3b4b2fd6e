"""English corpora in small, and what their readers find in them: harm, spam, everyday texts."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.training.shapes import AT_RISK, HATE, NO_ABUSE, ODD, PLAIN, SPAM, table, zipped_lines

RISK = "I just want to die and told nobody"
COMFORT = "Please call someone if you are suicidal"
MAIL = (
    "From sender@a.example Mon\nSubject: Offer\nContent-Type: text/html\n\n"
    "<html><style>p {}</style><p>Your prize of the month waits for you.</p>"
    "<p>Write to prize@a.example</p></html>\n"
)
SPAM_TEXT = "Your prize of the month waits for you. Write to [email]"
HAM_TEXT = f"{PLAIN} as it does daily"
HAM = f"From friend@a.example Mon\nSubject: Re: books\n\n> a quote\n{HAM_TEXT}\n"


def _cssrs(d: Path) -> None:
    rows: list[list[object]] = [
        ["User", "Post", "Label"],
        ["user-0", f"\"['{PLAIN}', '{RISK}']\"", "Behavior"],
        ["user-1", f"\"['{COMFORT}']\"", "Supportive"],
        ["user-2", f"\"['{RISK} today']\"", "Indicator"],
        ["user-3", f"\"['{PLAIN}']\"", "Attempt"],
    ]
    table(d / "anonymized_dataset__500_Reddit_users_posts_labels.csv", rows, ",")


def _sdcnl(d: Path) -> None:
    rows: list[list[object]] = [
        ["title", "selftext", "is_suicide"],
        ["Help", RISK, 1],
        ["Hours", PLAIN, 1],
        ["Sad", RISK, 0],
    ]
    table(d / "data__training-set.csv", rows, ",")


def _twitter_suicidal(d: Path) -> None:
    table(d / "twitter-suicidal_data.csv", [["tweet", "intention"], [RISK, 1], [PLAIN, 0]], ",")


def _dreaddit(d: Path) -> None:
    table(d / "dreaddit.csv", [["text", "label"], [PLAIN, 0], [RISK, 1]], ",")


def _extremism(d: Path) -> None:
    rows: list[list[object]] = [
        ["ID", '"Original_Message,Extremism_Label"', "Extremism_Label"],
        [1, "Burn their village", "EXTREMIST"],
        [3, HATE, "EXTREMIST"],
        [2, PLAIN, "NON_EXTREMIST"],
    ]
    table(d / "data__train.csv", rows, ",")


def _isis_fanboy(d: Path) -> None:
    rows: list[list[object]] = [["tweets"], ["Join the khilafa"], ["@mujahid1 rain today"]]
    table(d / "IsisFanboy.csv", rows, ",")


def _spamassassin(d: Path) -> None:
    mails: list[dict[str, object]] = [
        {"group": "spam-1", "text": MAIL},
        {"group": "easy-ham-1", "text": HAM},
        {"group": "easy-ham-2", "text": "Subject: x\n\nok\n"},
    ]
    zipped_lines(d / "spamassassin.jsonl.gz", mails)


def _youtube_spam(d: Path) -> None:
    for name in ("01-Psy", "02-KatyPerry", "03-LMFAO", "04-Eminem"):
        rows: list[list[object]] = [["CONTENT", "CLASS"], ["See <b>my</b> page", 1], [PLAIN, 0]]
        table(d / f"dataset__Youtube{name}.csv", rows, ",")


def _goemotions(d: Path) -> None:
    (d / "data__original__labels.txt").write_text("admiration\nanger\njoy\n", "utf-8")
    rows: list[list[object]] = [[PLAIN, "0,2", "a"], [ODD, "1,2", "b"]]
    table(d / "data__original__train.tsv", rows, "\t")


def _umsab(d: Path) -> None:
    for split in ("train", "val", "test"):
        stem = f"data__sentiment__english__{split}"
        table(d / f"{stem}_labels.txt", [[2], [0]], " ")
        table(d / f"{stem}_text.txt", [[r"It\u2019s open"], [ODD]], " ")


def _phishing_pot(d: Path) -> None:
    mail: dict[str, object] = {"subject": "Win", "text": "Write to prize@a.example"}
    zipped_lines(d / "phishing_pot_en.jsonl.gz", [mail])


ENGLISH_OTHER: Mapping[str, Callable[[Path], None]] = {
    "en_cssrs500": _cssrs,
    "en_sdcnl_suicide": _sdcnl,
    "en_twitter_suicidal": _twitter_suicidal,
    "en_dreaddit": _dreaddit,
    "en_extremism": _extremism,
    "en_isis_fanboy": _isis_fanboy,
    "en_spamassassin": _spamassassin,
    "en_youtube_spam": _youtube_spam,
    "en_goemotions": _goemotions,
    "en_umsab_tweets": _umsab,
    "en_phishing_pot": _phishing_pot,
}

EXPECTED: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "en_cssrs500": {RISK: AT_RISK, COMFORT: {"self_harm": 0}},
    "en_sdcnl_suicide": {f"Help\n{RISK}": AT_RISK},
    "en_twitter_suicidal": {RISK: AT_RISK, PLAIN: {"self_harm": 0}},
    "en_dreaddit": {PLAIN: {}},
    "en_extremism": {
        "Burn their village": {"violent_extremism": 1, "violation": 1},
        PLAIN: {"violent_extremism": 0},
    },
    "en_isis_fanboy": {"Join the khilafa": {"violent_extremism": 1}},
    "en_spamassassin": {
        SPAM_TEXT: SPAM,
        HAM_TEXT: {"deception_spam": 0},
    },
    "en_youtube_spam": {"See  my  page": SPAM, PLAIN: {"deception_spam": 0}},
    "en_goemotions": {PLAIN: NO_ABUSE},
    "en_umsab_tweets": {"It’s open": {}},
    "en_phishing_pot": {"Win\nWrite to [email]": SPAM},
}
