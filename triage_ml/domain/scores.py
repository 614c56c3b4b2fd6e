"""What a model says of a text: calibrated probabilities, and how far to trust each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from triage_ml.domain.taxonomy import Label, Language, Support


class Arm(StrEnum):
    """For what a model scored: as the live one, on trial for its share, or beside the live one."""

    LIVE = "live"
    CANARY = "canary"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class LanguageGuess:
    """Detected language; `detected` keeps the ISO 639-1 code when it is none of the five."""

    language: Language
    confidence: float
    detected: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `[start, end)` of the original text that speak for a label."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label of one text.

    `probability` is calibrated; `upper` is its upper bound and stands in for it where the
    cell is not measured. `severity` is the expected ordinal severity if the label applies.
    """

    probability: float
    upper: float
    severity: float
    support: Support
    spans: tuple[Span, ...] = ()

    @property
    def trusted(self) -> float:
        """The probability that priority may use."""
        return self.probability if self.support is Support.MEASURED else self.upper


@dataclass(frozen=True, slots=True)
class LabelScores:
    """All labels a model scored for one text.

    A label that is not in `labels` was not scored. `n_windows` over 1 means that the text was
    longer than the model reads at once and was scored in overlapping windows, none left out.
    """

    labels: Mapping[Label, LabelScore]
    p_violation: float
    language: Language
    model_version: str
    n_windows: int = 1

    def support(self, label: Label) -> Support:
        score = self.labels.get(label)
        return score.support if score else Support.UNSUPPORTED


def keep_worst(old: LabelScores | None, new: LabelScores) -> LabelScores:
    """Join the scores of two versions of an item: per label, the higher trusted one stays.

    So does the higher severity. Spans of the older text are dropped: the newer is shown.

    An item edited after a report must not sink because its new text is harmless, nor because
    the model changed in between; `model_version` then names each once, the newest last.
    """
    if old is None:
        return new
    before = [name for name in old.model_version.split("+") if name != new.model_version]
    version = "+".join((*before, new.model_version))
    labels = dict(new.labels)
    for label, score in old.labels.items():
        newer = labels.get(label)
        if newer is None:
            labels[label] = replace(score, spans=())
            continue
        worst = newer if newer.trusted >= score.trusted else replace(score, spans=())
        labels[label] = replace(worst, severity=max(score.severity, newer.severity))
    return replace(
        new,
        labels=labels,
        model_version=version,
        p_violation=max(old.p_violation, new.p_violation),
        n_windows=max(old.n_windows, new.n_windows),
    )
