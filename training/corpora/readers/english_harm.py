"""English corpora on self-harm and on violent extremism.

Most are weak: their labels come from a forum, an account or a word list.
en_cams is left out: it asks for the cause of a depression, which decides no output here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.selection import capped
from training.corpora.sources import (
    EXTREMISM,
    HATE,
    SELF_HARM,
    SPAM,
    THREAT,
    Labels,
    Row,
    Source,
    read_table,
)
from triage_ml.domain.taxonomy import VIOLATION

AT_RISK: Labels = {SELF_HARM: 1, VIOLATION: 1}
RISK_SEVERITY = {"Ideation": 2, "Behavior": 3, "Attempt": 4}
MAX_MAIN_POST = 1_000

_POST_BREAK = re.compile(r"""['"],\s*['"]""")
_ABOUT_SUICIDE = re.compile(
    r"suicid|kill(ing|ed)? (my|your|him|her|them)sel|\bend(ing)? (it all|my life|your life)"
    r"|want(ed)? to die|wanna die|self.?harm|overdos|cutting|hang(ing)? myself",
    re.IGNORECASE,
)
_OWN_RISK = re.compile(
    r"kill(ing|ed)? myself|\bend(ing)? (it all|my life)|\bi (just )?(want(ed)? to|wanna) die"
    r"|\bi('?m| am|'?ve been| was| feel)( \w+)? suicidal|my (own )?(suicide|attempt)"
    r"|\bi('?ve| have)? (overdosed|(tried|attempted) (to (kill|end|hang|overdose)|suicide))"
    r"|(hang|hurt|cut|cutting) myself|suicidal thoughts|my own life",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"kuff|kafir|murtad|rafid|taghut|taghoot|apostate|baqiya|istishh|istishad|inghimasi|khilafa"
    r"|green ?bird|taqabbal|allah accept|caliphate_news|mujahid",
    re.IGNORECASE,
)
_VIOLENCE = re.compile(
    r"\b(kill|attack|shoot|murder|behead|bomb|burn|exterminat|genocid|gas|hang|slaughter|wipe out"
    r"|eradicat|annihilat|die\b|jihad|terroris)",
    re.IGNORECASE,
)
_MENTION = re.compile(r"@\w+")


def _cssrs(folder: Path) -> Iterator[Row]:
    """Read one post of each user that speaks of the risk: experts rated users, not posts.

    An indicator of risk decides nothing.
    """
    path = folder / "anonymized_dataset__500_Reddit_users_posts_labels.csv"
    for row in read_table(path, ("User", "Post", "Label")):
        supportive = row["Label"] == "Supportive"
        if not supportive and row["Label"] not in RISK_SEVERITY:
            continue
        topic = _ABOUT_SUICIDE if supportive else _OWN_RISK
        posts = _POST_BREAK.split(row["Post"].strip("[]'\" "))
        found = [post for post in posts if topic.search(post)]
        if found:
            text = max(found, key=lambda post: len(topic.findall(post[:MAX_MAIN_POST]))).strip()
            if supportive:
                yield Row(text, {SELF_HARM: 0}, group=row["User"])
            else:
                severity = {SELF_HARM: RISK_SEVERITY[row["Label"]]}
                yield Row(text, AT_RISK, severity=severity, group=row["User"])


def _sdcnl(folder: Path) -> Iterator[Row]:
    """Read posts of a suicide forum; the depression forum's posts may speak of it as well."""
    columns = ("title", "selftext", "is_suicide")
    for row in read_table(folder / "data__training-set.csv", columns):
        text = f"{row['title']}\n{row['selftext']}".strip()
        if row["is_suicide"] == "1" and _ABOUT_SUICIDE.search(text):
            yield Row(text, AT_RISK)


def _twitter_suicidal(folder: Path) -> Iterator[Row]:
    for row in read_table(folder / "twitter-suicidal_data.csv", ("tweet", "intention")):
        if row["intention"] in {"0", "1"}:
            yield Row(row["tweet"], AT_RISK if row["intention"] == "1" else {SELF_HARM: 0})


def _dreaddit(folder: Path) -> Iterator[Row]:
    """Posts of distress, which decide nothing; those on suicide are left out."""
    for row in read_table(folder / "dreaddit.csv", ("text",)):
        if not _ABOUT_SUICIDE.search(row["text"]):
            yield Row(row["text"], {})


def _extremism(folder: Path) -> Iterator[Row]:
    """Take as extremist what also speaks of violence: slurs alone carry the mark as well."""
    path = folder / "data__train.csv"
    for row in read_table(path, ("Original_Message,Extremism_Label", "Extremism_Label")):
        text, label = row["Original_Message,Extremism_Label"], row["Extremism_Label"]
        if label != "EXTREMIST":
            yield Row(text, {EXTREMISM: 0})
        elif _VIOLENCE.search(text):
            yield Row(text, {EXTREMISM: 1, VIOLATION: 1})


def _isis_fanboy(folder: Path) -> Iterator[Row]:
    """Take tweets of supporting accounts that use the movement's words; others are war news."""
    return capped(
        Row(row["tweets"], {EXTREMISM: 1})
        for row in read_table(folder / "IsisFanboy.csv", ("tweets",))
        if _PRAISE.search(_MENTION.sub("", row["tweets"]))
    )


ENGLISH_HARM = (
    Source(
        "en_cssrs500",
        "en",
        "unstated",
        "none stated, asks for citation",
        "Gaur et al. 2019, Knowledge-aware Assessment of Severity of Suicide Risk",
        _cssrs,
        (HATE, THREAT, SPAM),
        weak=True,  # rated by user, read by post
    ),
    Source(
        "en_sdcnl_suicide",
        "en",
        "unstated",
        "none stated in the copy",
        "Haque, Reddi, Giallanza 2021, Deep Learning for Suicide and Depression Identification"
        " with Unsupervised Label Correction",
        _sdcnl,
        (HATE, THREAT, SPAM),
        weak=True,  # labelled by forum
    ),
    Source(
        "en_twitter_suicidal",
        "en",
        "unstated",
        "none stated in the copy",
        "HosamMhmdAli/HosamMhmdAli-twitters-uicidal-Nlp-project, tweets and suicidal intention",
        _twitter_suicidal,
        (HATE, SPAM),
        weak=True,  # found by words, labelling not documented
    ),
    Source(
        "en_dreaddit",
        "en",
        "unstated",
        "none stated in the copy",
        "Turcan, McKeown 2019, Dreaddit: A Reddit Dataset for Stress Analysis in Social Media",
        _dreaddit,
        (HATE, SELF_HARM, SPAM),
        weak=True,  # nobody asked about policy
    ),
    Source(
        "en_extremism",
        "en",
        "unstated",
        "MIT on the repository, none stated for the data",
        "pieterrotteveel/Social-Media-Extremism-Detection-Challenge",
        _extremism,
        (SELF_HARM, SPAM),
        weak=True,  # templated sentences, labels doubtful
    ),
    Source(
        "en_isis_fanboy",
        "en",
        "unstated",
        "none stated in the copy (Kaggle: CC0)",
        "Fifth Tribe 2016, How ISIS Uses Twitter",
        _isis_fanboy,
        (SELF_HARM, SPAM),
        weak=True,  # labelled by account
    ),
)
