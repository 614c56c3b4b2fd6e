"""How trends are named and linked: parts of a split, and addresses."""

from serving.console.address import query_of
from serving.console.i18n import Voice, lazy
from triage_ml.domain.report import OTHER_REASON
from triage_ml.ports.trends import Measure, Split
from triage_ml.workflow.answers import REST, FoundSpike, PrevalenceRow, Question

_l = lazy
URL = "/console/trends"


def question_query(asked: Question, **changes: str) -> str:
    """Write a question as the query of an address; it reads back as the same question."""
    fields = {
        "from": asked.since.isoformat(),
        "to": asked.until.isoformat(),
        "label": asked.label,
        "language": asked.language,
        "surface": asked.surface,
        "split": "" if asked.split is Split.LABEL else asked.split.value,
        "step": "week" if asked.weekly else "",
        **changes,
    }
    return query_of(fields)


def spike_href(asked: Question, spike: FoundSpike) -> str:
    """Give the way to the reports of a spike."""
    day = {"from": spike.day.isoformat(), "to": spike.day.isoformat(), "split": "", "step": ""}
    part = {asked.split.value: spike.part} if spike.part else {}
    return f"{URL}/cases?" + question_query(asked, **{**day, **part}, measure=Measure.REPORTS.value)


def part_text(voice: Voice, split: Split, part: str) -> str:
    """Name a part of a split; a surface has the name that the platform gave it."""
    if part == REST:
        return voice.gettext(_l("All others"))
    if split is Split.LABEL:
        return label_text(voice, part)
    if split is Split.LANGUAGE:
        return voice.language_name(part)
    return part or voice.gettext(_l("All"))


def label_text(voice: Voice, label: str) -> str:
    if label == OTHER_REASON:
        return voice.gettext(_l("Other reason"))
    return voice.label_name(label)


def prevalence_name(voice: Voice, row: PrevalenceRow) -> str:
    """Name what a share is of: a language, and a label or any violation."""
    what = label_text(voice, row.label) if row.label else voice.label_or_any("")
    return f"{voice.language_or_all(row.language)}: {what}"
