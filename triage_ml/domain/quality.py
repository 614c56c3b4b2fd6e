"""Looking again at decisions: what two verdicts have in common, and which decisions are drawn."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from triage_ml.domain.decision import (
    HARMLESS_ACTIONS,
    MAX_NOTE_CHARS,
    Action,
    Verdict,
    dsa_category,
)
from triage_ml.domain.policy import Policy
from triage_ml.domain.report import check_characters
from triage_ml.domain.taxonomy import Label, Severity
from triage_ml.errors import InvalidInput, TooLarge

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class SampleKind(StrEnum):
    """DOUBLE: a decision drawn by chance. GOLDEN: a case whose right verdict is known."""

    DOUBLE = "double"
    GOLDEN = "golden"


class Outcome(StrEnum):
    """How a lead settles two verdicts that differ."""

    FIRST = "first"
    SECOND = "second"
    POLICY_UNCLEAR = "policy_unclear"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What somebody finds in a case and would do; it changes nothing."""

    findings: Mapping[Label, Severity]
    action: Action

    @property
    def applied(self) -> frozenset[Label]:
        """The labels found with S1 or more: S0 is mention, counterspeech, news."""
        return frozenset(x for x, severity in self.findings.items() if severity >= Severity.S1)

    @property
    def severity(self) -> Severity:
        """The highest severity found; S0 where no label applies."""
        return max(self.findings.values(), default=Severity.S0)

    def differs(self, other: "Judgement") -> bool:
        """Say whether the two find other labels or would do something else."""
        return self.applied != other.applied or self.action is not other.action


def contested(first: Judgement, second: Judgement) -> frozenset[Label]:
    """Name the labels that only one of the two applies."""
    return first.applied ^ second.applied


def check_judgement(policy: Policy, judgement: Judgement, note: str) -> None:
    """Refuse what does not hold together; the note may be empty. Raises: InvalidInput."""
    found = dsa_category(policy, Verdict(judgement.findings, judgement.action))
    if judgement.action not in HARMLESS_ACTIONS and found is None:
        reason = f"{judgement.action} needs a finding of a violation with severity S1 or more"
        raise InvalidInput("action", reason)
    check_characters("note", note)
    if len(note) > MAX_NOTE_CHARS:
        raise TooLarge("note", len(note), MAX_NOTE_CHARS, "characters")


def lot(claim_id: UUID, decided_at: datetime) -> float:
    """Give the lot of a decision, from 0 up to 1; those under a share are judged again.

    The time of the decision is part of it, so that nobody can tell it beforehand. The same as
    `quality_lot` in SQL.
    """
    text = f"{claim_id} {(decided_at - _EPOCH) // _MICROSECOND}"
    # Spreads, protects nothing.
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16) / 2**32
