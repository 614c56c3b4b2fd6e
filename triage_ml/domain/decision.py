"""What a reviewer concludes, what the platform is told to do, and the reasons given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from triage_ml.domain.policy import Policy
from triage_ml.domain.report import check_characters, check_ref
from triage_ml.domain.taxonomy import Label, Severity
from triage_ml.domain.text import is_blank
from triage_ml.errors import InvalidInput, TooLarge

MAX_FACTS_CHARS = 5_000
MAX_EXPLANATION_CHARS = 2_000
MAX_NOTE_CHARS = 2_000


class Action(StrEnum):
    """What the platform does; this service only records and announces it."""

    NO_ACTION = "no_action"
    WARN_AUTHOR = "warn_author"
    LABEL_CONTENT = "label_content"
    AGE_RESTRICT = "age_restrict"
    REDUCE_REACH = "reduce_reach"
    REMOVE_CONTENT = "remove_content"
    SUSPEND_ACCOUNT = "suspend_account"
    REFER_TO_AUTHORITY = "refer_to_authority"


HARMLESS_ACTIONS = frozenset({Action.NO_ACTION, Action.REFER_TO_AUTHORITY})


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reviewer's conclusion as handed in.

    `findings` maps each label that applies to its severity; empty means none applies.
    `needs_classification` says that the policy has no word for the case. `asked` names the labels
    the reviewer looked for one by one: of these, those without a finding are known to be absent.
    """

    findings: Mapping[Label, Severity]
    action: Action
    facts: str = ""
    explanation: str = ""
    needs_classification: bool = False
    asked: frozenset[Label] = frozenset()

    def __post_init__(self) -> None:
        for name, limit in (("facts", MAX_FACTS_CHARS), ("explanation", MAX_EXPLANATION_CHARS)):
            text: str = getattr(self, name)
            check_characters(name, text)
            if len(text) > limit:
                raise TooLarge(name, len(text), limit, "characters")
        if self.needs_classification and self.action is not Action.NO_ACTION:
            raise InvalidInput("action", "must be no_action while the policy has no word for it")


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with who gave it, when, and under which policy and claim.

    `hints_withheld`: the reviewer did not see what the model said. `unread`: the text had been
    erased, so that the case was closed and not judged; no statistic takes it for a verdict.
    """

    verdict: Verdict
    reviewer: str
    decided_at: datetime
    claim_id: UUID
    policy_version: str
    stage: str
    dsa_category: str | None
    hints_withheld: bool = False
    unread: bool = False

    @property
    def upheld(self) -> bool:
        """Whether the reports were right: a violation was found, and so it has a category."""
        return self.dsa_category is not None


@dataclass(frozen=True, slots=True)
class Appeal:
    """A complaint against a decision."""

    complainant_ref: str
    grounds: str

    def __post_init__(self) -> None:
        check_ref("complainant_ref", self.complainant_ref)
        check_note("grounds", self.grounds)


def check_verdict(policy: Policy, verdict: Verdict) -> None:
    """Refuse a verdict that does not hold together. Raises: InvalidInput."""
    if verdict.action not in HARMLESS_ACTIONS and not _violations(policy, verdict):
        raise InvalidInput(
            "action", f"{verdict.action} needs a finding of a violation with severity S1 or more"
        )
    if verdict.action not in HARMLESS_ACTIONS and is_blank(verdict.explanation):
        raise InvalidInput("explanation", f"{verdict.action} needs a statement of reasons")


def dsa_category(policy: Policy, verdict: Verdict) -> str | None:
    """Give the DSA Transparency Database category of the gravest violation found, if any."""
    found = _violations(policy, verdict)
    if not found:
        return None
    return policy.labels[max(found, key=lambda label: found[label])].dsa_category


def _violations(policy: Policy, verdict: Verdict) -> dict[Label, Severity]:
    """Leave out hints (profanity) and S0: mention, counterspeech, news."""
    return {
        label: severity
        for label, severity in verdict.findings.items()
        if policy.labels[label].is_violation and severity >= Severity.S1
    }


def check_note(name: str, text: str) -> None:
    """Refuse an empty, over-long or unstorable note."""
    check_characters(name, text)
    if is_blank(text):
        raise InvalidInput(name, "must not be empty")
    if len(text) > MAX_NOTE_CHARS:
        raise TooLarge(name, len(text), MAX_NOTE_CHARS, "characters")
