"""What a page shows of cases and queues, computed from domain objects, without words.

Words stand in the templates, where they are translated; here are numbers, codes and order.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from serving.schemas.priority import terms
from triage_ml.domain.case import Case, CaseState
from triage_ml.domain.guideline import Guideline
from triage_ml.domain.likelihood import SHOWN, likelihood
from triage_ml.domain.policy import Policy
from triage_ml.domain.priority import HarmTerm, IndexNow
from triage_ml.domain.report import OTHER_REASON
from triage_ml.domain.routing import LIKELY, is_restricted
from triage_ml.domain.scores import LabelScores, Span
from triage_ml.domain.taxonomy import Label, Language, Severity, Support
from triage_ml.ports import ModelInfo, StoredReport
from triage_ml.workflow.insight import HintRecord, HintRecords
from triage_ml.workflow.review import Dossier

GRAPHIC = frozenset(
    {
        Label.CHILD_SAFETY,
        Label.GRAPHIC_VIOLENCE,
        Label.SELF_HARM,
        Label.ADULT_SEXUAL,
        Label.VIOLENT_EXTREMISM,
        Label.INTIMATE_PRIVACY,
    }
)
"""Labels whose text is hidden until the reviewer asks for it, however mild it may be."""

_SIGNS = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u180b-\u180e"
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\U000e0000-\U000e007f]"
)
"""What changes the direction of writing, breaks lines or is not seen at all."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a text: `plain`, `marked` (speaks for a violation) or a `sign` that hides.

    A sign is shown by its code point and has no effect. `strength` of a mark is 1 to 3.
    """

    text: str
    kind: str = "plain"
    strength: int = 0

    @property
    def code(self) -> str:
        """The code point of a sign, as U+202E."""
        return f"U+{ord(self.text):04X}"


@dataclass(frozen=True, slots=True)
class Quality:
    """How well the model does on held-out texts of one language for one label."""

    n_texts: int
    auc: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Clause:
    """What the policy says of a label, and the language it says it in."""

    label: Label
    name: str
    text: str
    language: Language
    is_violation: bool
    guideline: Guideline | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """What the model says of one label. `upper` stands in where the cell is not measured.

    `record` is how right such hints were lately, where that may be told.
    """

    label: Label
    probability: float
    upper: float
    trusted: float
    likelihood: str
    severity: float
    support: Support
    quality: Quality | None
    reported: int
    clause: Clause
    record: HintRecord | None = None


@dataclass(frozen=True, slots=True)
class TermView:
    """One term of the index. `harm` is set for the share of a label."""

    name: str
    value: float
    why: str
    harm: HarmTerm | None


@dataclass(frozen=True, slots=True)
class ReportGroup:
    """Reports of one reason and source that have not been withdrawn."""

    reason: str
    source: str
    n_reports: int


@dataclass(frozen=True, slots=True)
class ContextView:
    relation: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class VersionView:
    first_seen_at: datetime
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class ComplaintView:
    """A complaint, without who made it."""

    appealed_at: datetime
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class CaseView:
    """Everything the review page shows of a case; hints and terms gravest first.

    `withheld`: what the model says is left out, and whatever would tell it.
    """

    case: Case
    segments: tuple[Segment, ...]
    n_signs: int
    context: tuple[ContextView, ...]
    masked_for: tuple[Label, ...]
    masked: bool
    hints: tuple[Hint, ...]
    folded: tuple[Hint, ...]
    reported_only: tuple[Clause, ...]
    terms: tuple[TermView, ...]
    index: IndexNow
    clauses: tuple[Clause, ...]
    groups: tuple[ReportGroup, ...]
    reports: tuple[StoredReport, ...]
    versions: tuple[VersionView, ...]
    appeals: tuple[ComplaintView, ...]
    breached: bool
    restricted: bool
    current_model: bool
    withheld: bool


def view_case(
    dossier: Dossier,
    policy: Policy,
    index: IndexNow,
    model: ModelInfo | None,
    now: datetime,
    *,
    language: Language = Language.EN,
    records: HintRecords | None = None,
    withheld: bool = False,
) -> CaseView:
    """Lay out a case. `model` is the one that runs now; its quality is not told of another's.

    The policy speaks the reader's `language` where it can. `withheld` is for who holds the case
    blind. What is masked stays so, without saying for which label: the model may have named it.
    """
    case = dossier.case
    scores = case.scores
    ours = model is not None and scores is not None and model.version == scores.model_version
    clauses = clauses_of(policy, language)
    hints = [] if withheld else _hints(case, clauses, model if ours else None, records)
    shown = tuple(h for h in hints if h.trusted >= SHOWN or h.reported)
    restricted = is_restricted(policy, case.placement.queue)
    # Spans point into the text that was scored, which is not the newest one yet.
    marks = () if case.awaits_scores or withheld else spans_of(scores)
    segments = tuple(cut(case.item.text, marks))
    scored = {hint.label for hint in hints}
    return CaseView(
        case=case,
        segments=segments,
        n_signs=sum(segment.kind == "sign" for segment in segments),
        context=tuple(ContextView(row.relation, tuple(cut(row.text))) for row in case.item.context),
        masked_for=() if withheld else _masked_for(case),
        masked=is_masked(policy, case),
        hints=shown,
        folded=tuple(hint for hint in hints if hint not in shown),
        reported_only=()
        if withheld
        else tuple(
            c for c in clauses if c.label in case.summary.reason_labels and c.label not in scored
        ),
        terms=() if withheld else _terms(case, policy, index),
        index=index,
        clauses=clauses,
        groups=groups_of(dossier.reports),
        reports=tuple(dossier.reports),
        versions=tuple(
            VersionView(row.first_seen_at, tuple(cut(row.text)))
            for row in dossier.versions
            if row.text != case.item.text
        ),
        appeals=tuple(
            ComplaintView(row.appealed_at, tuple(cut(row.grounds))) for row in dossier.appeals
        ),
        breached=case.state not in (CaseState.DECIDED, CaseState.WITHDRAWN)
        and case.placement.due_at <= now,
        restricted=restricted,
        current_model=ours,
        withheld=withheld,
    )


def cut(text: str, spans: Sequence[Span] = ()) -> Iterator[Segment]:
    """Split a text into what is plain, marked, or a sign that would hide or turn it.

    The pieces put together are the text; a span that reaches outside of it is cut off.
    """
    strengths = _strengths(len(text), spans)
    for start, end, strength in strengths:
        kind = "marked" if strength else "plain"
        done = start
        for sign in _SIGNS.finditer(text, start, end):
            if sign.start() > done:
                yield Segment(text[done : sign.start()], kind, strength)
            yield Segment(sign.group(), "sign")
            done = sign.end()
        if done < end:
            yield Segment(text[done:end], kind, strength)


def spans_of(scores: LabelScores | None) -> tuple[Span, ...]:
    """Give the spans of every likely label, or of all if none is likely; labels share most."""
    if scores is None:
        return ()
    likely = [s for s in scores.labels.values() if s.trusted >= LIKELY]
    found = {span for score in likely or scores.labels.values() for span in score.spans}
    return tuple(sorted(found, key=lambda span: (span.start, span.end)))


def nearest_severity(severity: float) -> Severity:
    return Severity(min(max(round(severity), 0), 4))


def clauses_of(policy: Policy, language: Language = Language.EN) -> tuple[Clause, ...]:
    """Give what the policy says of each label; without guidelines its texts are English."""
    guidelines = policy.guidelines.get(language)
    if guidelines is None:
        return tuple(
            Clause(label, row.clause, row.scope, Language.EN, row.is_violation)
            for label, row in policy.labels.items()
        )
    return tuple(
        Clause(label, told.clause, told.scope, language, row.is_violation, told)
        for label, row in policy.labels.items()
        for told in (guidelines[label],)
    )


def _strengths(n: int, spans: Sequence[Span]) -> Iterator[tuple[int, int, int]]:
    """Give (start, end, strength) of the runs of a text of `n` characters; overlaps join."""
    kept = [s for s in spans if 0 <= s.start < min(s.end, n)]
    heaviest = max((span.weight for span in kept), default=0.0)
    edges = sorted({0, n, *(s.start for s in kept), *(min(s.end, n) for s in kept)})
    starts = sorted(kept, key=lambda span: span.start)
    open_spans: list[Span] = []
    run = (0, 0, 0)
    for start, end in pairwise(edges):
        while starts and starts[0].start <= start:
            open_spans.append(starts.pop(0))
        open_spans = [span for span in open_spans if span.end > start]
        weight = max((span.weight for span in open_spans), default=0.0)
        strength = _strength(weight, heaviest) if open_spans else 0
        if strength == run[2]:
            run = (run[0], end, strength)
            continue
        if run[1] > run[0]:
            yield run
        run = (start, end, strength)
    if run[1] > run[0]:
        yield run


def _strength(weight: float, heaviest: float) -> int:
    if heaviest <= 0:
        return 1
    return 1 + sum(weight >= heaviest * share for share in (1 / 3, 2 / 3))


def is_masked(policy: Policy, case: Case) -> bool:
    """Whether a case's text is hidden until the reader asks for it."""
    return bool(_masked_for(case)) or is_restricted(policy, case.placement.queue)


def _hints(
    case: Case, clauses: Sequence[Clause], model: ModelInfo | None, records: HintRecords | None
) -> list[Hint]:
    if case.scores is None:
        return []
    language, by_label = case.scores.language, {clause.label: clause for clause in clauses}
    gravest = sorted(case.scores.labels.items(), key=lambda row: (-row[1].trusted, row[0]))
    return [
        Hint(
            label=label,
            probability=score.probability,
            upper=score.upper,
            trusted=score.trusted,
            likelihood=likelihood(score.trusted),
            severity=score.severity,
            support=score.support,
            quality=_quality(model, language, label),
            reported=case.summary.reasons.get(label.value, 0),
            clause=by_label[label],
            record=_record(records, language, by_label[label], score.trusted),
        )
        for label, score in gravest
    ]


def _record(
    records: HintRecords | None, language: Language, clause: Clause, trusted: float
) -> HintRecord | None:
    """Give the record of a hint that was shown; labels that are no violation are seldom ticked."""
    if records is None or trusted < SHOWN or not clause.is_violation:
        return None
    return records.of(language, clause.label, likelihood(trusted))


def _quality(model: ModelInfo | None, language: Language, label: Label) -> Quality | None:
    cell = model.quality.get(language.value, {}).get(label.value) if model else None
    if not cell:
        return None
    auc, low, high = cell.get("auc"), cell.get("auc_low"), cell.get("auc_high")
    if auc is None:
        return None
    return Quality(
        n_texts=int((cell.get("n_positive") or 0) + (cell.get("n_negative") or 0)),
        auc=float(auc),
        low=float(auc if low is None else low),
        high=float(auc if high is None else high),
    )


def _masked_for(case: Case) -> tuple[Label, ...]:
    """Name the likely or reported labels that are graphic, or severe in this case."""
    severe = {t.label for t in case.placement.priority.harm_terms if t.severity >= Severity.S3}
    return tuple(x for x in case.placement.labels if x in GRAPHIC or x in severe)


def _terms(case: Case, policy: Policy, index: IndexNow) -> tuple[TermView, ...]:
    priority = case.placement.priority
    harms = {f"harm.{term.label.value}": term for term in priority.harm_terms}
    return tuple(
        TermView(row.name, row.value, row.why, harms.get(row.name))
        for row in terms(policy.priority, priority, index)
    )


def groups_of(reports: Sequence[StoredReport]) -> tuple[ReportGroup, ...]:
    """Count the reports that have not been withdrawn by reason and source, most first."""
    counts = Counter(
        (row.reason.value if row.reason else OTHER_REASON, row.source.value)
        for row in reports
        if row.withdrawn_at is None
    )
    return tuple(ReportGroup(*key, n) for key, n in counts.most_common())
