"""What was simulated, as a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from math import ceil
from typing import Any

from benchmarks.drift.trial import Outcome
from benchmarks.drift.world import Shift
from triage_ml.domain.stats import wilson
from triage_ml.domain.taxonomy import Label, Language

QUIET = Shift()
SHIFTS = (
    *(Shift("spam", Language.TR, size) for size in (0.05, 0.10, 0.30)),
    *(Shift("mix", Language.TR, size) for size in (1.3, 2.0)),
    *(Shift("length", Language.DE, size) for size in (1.2, 1.5)),
    *(Shift("slang", Language.KO, size) for size in (0.1, 0.3, 1.0)),
    *(Shift("calibration", Language.EN, size) for size in (0.1, 0.2)),
    *(Shift("label", Language.EN, size, label=Label.HARASSMENT) for size in (2.0, 3.0)),
)

WORDS = {
    "spam": "{size:.0%} of {language} texts are a wave of real spam",
    "mix": "{language}'s share × {size:g}",
    "length": "{language} texts × {size:g} as long",
    "slang": "{size:.0%} of {language} texts hold one of five new words",
    "calibration": "{language}: {size:+.2f} violations found beyond what the model expects",
    "label": "{language}: harassment is found × {size:g}",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One history: what was put in, when its language alarmed, and every series that did."""

    n_texts: int
    kind: str
    language: str
    size: float
    seed: int
    delay: int | None = None
    fired: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        return f"{self.n_texts} {self.kind} {self.language} {self.size} {self.seed}"

    def of(self, found: Outcome, shift: Shift) -> "Row":
        fired = tuple(f"{key.measure} {key.language}" for key in found.first)
        delay = found.delay(shift) if shift != QUIET else None
        return replace(self, delay=delay, fired=fired)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def page(rows: Sequence[Row], *, real: bool) -> str:
    """Write the page of all that was simulated."""
    volumes = sorted({row.n_texts for row in rows})
    texts = (
        "Texts are real, 1,500 of each language from the labelled corpora, with the shipped "
        "model's scores"
        if real
        else "Texts are made up"
    )
    parts = [
        "<!-- Written by python -m benchmarks.drift; run it instead. -->",
        "",
        "# Drift: false alarms and delays",
        "",
        f"{texts}; days are simulated. Volumes wander by 15 %, languages' shares by 10 %, weekends",
        "are thinner, and each day's topics make texts more or less frequent (standard deviation",
        "0.25 on the logarithm, correlation 0.3 with the day before). 28 days are the reference.",
        "Chance draws 3 decisions for each 100 texts, in all languages together.",
        "",
        "## Nothing happens",
        "",
        "| texts a day | months | with a false alarm | 95 % interval | series that raised it |",
        "|---:|---:|---:|---|---|",
        *(_quiet_line(rows, n) for n in volumes),
        "",
        "A month is 30 days and some 400 tests a day. The rule promises at most 5 % of months.",
        "",
        "## Something happens",
        "",
        "Days from the first changed day to the alarm about that language, or about all; 1 is the",
        "night after the first. Watched for 35 days. A dash: not within them. A wave of 5 % moves",
        "no distribution by the 5 points that an alarm needs at least.",
        "",
        "| what | texts a day | histories | seen | median days | 90 % within | seen first by |",
        "|---|---:|---:|---:|---:|---:|---|",
        *(line for shift in SHIFTS for n in volumes for line in _shift_lines(rows, shift, n)),
    ]
    return "\n".join(parts) + "\n"


def _quiet_line(rows: Sequence[Row], n_texts: int) -> str:
    of = [row for row in rows if row.kind == QUIET.kind and row.n_texts == n_texts]
    if not of:
        return f"| {n_texts:,} | 0 | – | – | |"
    alarmed = [row for row in of if row.fired]
    low, high = wilson(len(alarmed), len(of))
    names = ", ".join(sorted({name for row in alarmed for name in row.fired})) or "none"
    return f"| {n_texts:,} | {len(of)} | {len(alarmed)} | {low:.1%} to {high:.1%} | {names} |"


def _shift_lines(rows: Sequence[Row], shift: Shift, n_texts: int) -> list[str]:
    of = [
        row
        for row in rows
        if (row.kind, row.language, row.size, row.n_texts)
        == (shift.kind, shift.language.value, shift.size, n_texts)
    ]
    if not of:
        return []
    known = {"en": "English", "de": "German", "tr": "Turkish", "es": "Spanish", "ko": "Korean"}
    what = WORDS[shift.kind].format(size=shift.size, language=known[shift.language.value])
    delays = sorted(row.delay if row.delay is not None else 10**6 for row in of)
    seen = sum(row.delay is not None for row in of)
    firsts = Counter(row.fired[0] for row in of if row.fired)
    first = firsts.most_common(1)[0][0] if firsts else "–"
    median, most = (delays[ceil(share * len(delays)) - 1] for share in (0.5, 0.9))
    cells = [what, f"{n_texts:,}", str(len(of)), str(seen), _days(median), _days(most), first]
    return [f"| {' | '.join(cells)} |"]


def _days(delay: int) -> str:
    return "–" if delay == 10**6 else str(delay)
