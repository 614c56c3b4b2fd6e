"""What decisions say of a text: three-valued labels, one verdict at a time.

A verdict answers the questions that were before the reviewer and no others. Present: a label
found with S1 or more. Absent: a label found as S0 (mention, news, counterspeech); one the form
asked for that was not found; one that another verdict on the same case found; and where nothing
was found at all, what the reports were about. Everything else is unknown.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import chain
from uuid import UUID

from triage_ml.domain.case import Stage
from triage_ml.domain.decision import Action
from triage_ml.domain.quality import Outcome
from triage_ml.domain.taxonomy import HEADS, VIOLATION, Label, Language, Severity

NEVER_LEARNT = frozenset({Label.CHILD_SAFETY})
"""Labels that no example decides: what touches them stays behind the restriction."""

LEARNT: tuple[Label, ...] = tuple(label for label in HEADS if label not in NEVER_LEARNT)


class GivenKind(StrEnum):
    """DECISION: it concluded the case. SECOND_LOOK: by somebody who did not see the decision.

    GOLDEN: a lead's, with which others learn.
    """

    DECISION = "decision"
    SECOND_LOOK = "second_look"
    GOLDEN = "golden"


class Exclusion(StrEnum):
    """Why a decided case is no example, or an example is left out.

    RESERVED: its text is kept to evaluate models with.
    """

    ERASED = "erased"
    RESTRICTED = "restricted"
    UNDER_APPEAL = "under_appeal"
    UNDETERMINED_LANGUAGE = "undetermined_language"
    EMPTY = "empty"
    RESERVED = "reserved"
    UNDECIDED = "undecided"
    CONTESTED = "contested"


@dataclass(frozen=True, slots=True)
class Given:
    """One verdict on a case. `reviewer` is a key that names nobody.

    `claim_id` is that of the decision, or of the decision that was looked at again. `upheld` is
    what the policy of the day made of the findings; None where nobody noted it. `outcome` is
    how a lead settled a second look that differs. `blind`: the hints were withheld.
    """

    kind: GivenKind
    at: datetime
    reviewer: str
    findings: Mapping[Label, Severity]
    action: Action
    stage: str = Stage.FIRST.value
    policy_version: str | None = None
    asked: frozenset[Label] = frozenset()
    upheld: bool | None = None
    blind: bool = False
    drawn_at_random: bool = False
    propensity: float | None = None
    claim_id: UUID | None = None
    outcome: Outcome | None = None

    @property
    def applied(self) -> frozenset[Label]:
        return frozenset(x for x, severity in self.findings.items() if severity >= Severity.S1)


@dataclass(frozen=True, slots=True)
class DecidedText:
    """A decided case: its text as it was decided, and every verdict on it.

    `excluded` says why it may not leave; then text and verdicts are empty.
    """

    case_id: UUID
    decided_at: datetime
    language: Language
    text: str = ""
    reasons: frozenset[Label] = frozenset()
    given: tuple[Given, ...] = ()
    excluded: Exclusion | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the labels it decides, {output: 0 or 1}; none where it was overturned."""

    given: Given
    overturned: bool
    labels: Mapping[str, int] = field(default_factory=dict)


def judgements(case: DecidedText, hints: Set[Label]) -> tuple[Judgement, ...]:
    """Say what each verdict on a case decides, oldest first.

    `hints` are labels that are no violation by themselves (profanity). A decision that a
    complaint or a lead's settlement replaced stays, as overturned, and decides nothing.
    """
    overturned = {row for row in range(len(case.given)) if _overturned(case.given, row)}
    found = frozenset(chain.from_iterable(given.findings for given in case.given))
    unclear = _unclear(case.given, hints)
    rows = []
    for row, given in enumerate(case.given):
        labels = {} if row in overturned else _labels(given, case.reasons, found, hints)
        kept = {output: value for output, value in labels.items() if output not in unclear}
        rows.append(Judgement(given, row in overturned, kept))
    return tuple(sorted(rows, key=lambda j: (j.given.at, j.given.kind, j.given.reviewer)))


def severities(labels: Mapping[str, int], findings: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Give the severity of each label that applies: the middle one found, of two the graver.

    `findings` are those of verdicts that stand.
    """
    found: dict[str, int] = {}
    rows = list(findings)
    for label in LEARNT:
        said = sorted(row[label] for row in rows if row.get(label, 0) >= Severity.S1)
        if labels.get(label.value) == 1 and said:
            found[label.value] = said[len(said) // 2]
    return found


def _labels(
    given: Given, reasons: frozenset[Label], found: frozenset[Label], hints: Set[Label]
) -> dict[str, int]:
    violated = given.upheld if given.upheld is not None else bool(given.applied - hints)
    looked_for = given.asked | found | given.findings.keys()
    if not violated:
        looked_for |= reasons
    labels = {label.value: int(label in given.applied) for label in LEARNT if label in looked_for}
    return {**labels, VIOLATION: int(violated)}


def _overturned(given: tuple[Given, ...], row: int) -> bool:
    """Whether another verdict took this one's place: on a complaint, or by a settlement."""
    one = given[row]
    if one.kind is GivenKind.SECOND_LOOK:
        return one.outcome is Outcome.FIRST
    if one.kind is GivenKind.GOLDEN:
        return False
    return any(_replaces(other, one) for other in given)


def _replaces(other: Given, one: Given) -> bool:
    if other.kind is GivenKind.SECOND_LOOK:
        return other.claim_id == one.claim_id and other.outcome is Outcome.SECOND
    later = other.stage == Stage.APPEAL and one.stage == Stage.FIRST
    same = (other.applied, other.action, other.upheld) == (one.applied, one.action, one.upheld)
    return other.kind is GivenKind.DECISION and later and not same


def _unclear(given: tuple[Given, ...], hints: Set[Label]) -> frozenset[str]:
    """Name the outputs that a lead said the policy is unclear about."""
    decided = {one.claim_id: one for one in given if one.kind is GivenKind.DECISION}
    outputs: set[str] = set()
    for one in given:
        first = decided.get(one.claim_id)
        if one.outcome is Outcome.POLICY_UNCLEAR and first is not None:
            outputs |= {label.value for label in first.applied ^ one.applied}
            if bool(first.applied - hints) != bool(one.applied - hints):
                outputs.add(VIOLATION)
    return frozenset(outputs)
