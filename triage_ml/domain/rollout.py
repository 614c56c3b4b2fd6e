"""The stages of a trial: a model beside the live one, from its first text to its end."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from triage_ml.domain.guard import GuardLimits
from triage_ml.errors import Conflict

GUARD = "guard"
"""Who ends a trial when a limit is broken; no person may decide under this name."""


class RolloutStage(StrEnum):
    """What is done with a model that stands beside the live one.

    shadow     it scores what the live one scored; nothing is placed by it
    canary     a share of the texts is its own; the others it scores as a shadow
    probation  it was live before; the one that took its place is held against it
    ended      nothing is beside the live one
    """

    SHADOW = "shadow"
    CANARY = "canary"
    PROBATION = "probation"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Trial:
    """A line of the log of trials; the newest is how it stands.

    `version` is the model beside the live one and `sha256` its manifest's hash; `against` is the
    live model. `number` grows with each line; it is 0 until the store gives it one.
    """

    version: str
    against: str
    stage: RolloutStage
    share: float
    at: datetime
    by: str
    why: str
    limits: GuardLimits
    number: int = 0
    sha256: str = ""

    @property
    def watched(self) -> str:
        """The model that may cost its place: of the two the newer one."""
        return self.against if self.stage is RolloutStage.PROBATION else self.version

    @property
    def compared(self) -> str:
        return self.version if self.stage is RolloutStage.PROBATION else self.against

    def ended(self, at: datetime, by: str, why: str) -> "Trial":
        return replace(self, stage=RolloutStage.ENDED, share=0.0, at=at, by=by, why=why, number=0)

    def after(self, before: str | None, live: str, at: datetime, by: str, why: str) -> "Trial":
        """Follow a change of the live model from `before` to `live`.

        The version on trial goes on probation, with the one before beside it; any other model
        that goes live ends the trial.
        """
        tried = self.stage is not RolloutStage.PROBATION and self.version == live
        if not tried:
            return self.ended(at, by, f"{live} went live: {why}")
        if before is None or not self.limits.probation_hours:
            return self.ended(at, by, f"went live: {why}")
        return Trial(before, live, RolloutStage.PROBATION, 0.0, at, by, why, self.limits)


def begin(asked: Trial, open_trial: Trial | None) -> Trial:
    """Give the line of a trial that may begin now, or go on to its next stage. Raises: Conflict."""
    if not asked.against:
        raise Conflict("no model is live in the database, so there is nothing to compare with")
    if asked.version == asked.against:
        raise Conflict(f"{asked.version} is live: a trial needs another one")
    if open_trial is not None and open_trial.stage is RolloutStage.PROBATION:
        raise Conflict(f"{open_trial.against} is on probation: end that first")
    if open_trial is not None and open_trial.version != asked.version:
        raise Conflict(f"{open_trial.version} is on trial: end that first")
    return asked


def is_its_own(text: str, version: str, share: float) -> bool:
    """Say whether a text is among the share of a version on trial; the same text always is.

    A larger share keeps the texts of a smaller one. Another version gets other texts.
    """
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, salt=_salt(version))
    return int.from_bytes(digest.digest(), "big") < share * 2**64


def _salt(version: str) -> bytes:
    return blake2b(version.encode(), digest_size=blake2b.SALT_SIZE).digest()
