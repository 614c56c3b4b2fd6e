"""A replayed case in words for a person, and as a document for a program. English, as every CLI."""

from collections.abc import Iterator
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from triage_ml.domain.facts import PlacedFrom, Used
from triage_ml.domain.priority import Priority
from triage_ml.domain.replay import TOLERANCE, OutputCheck, PlacementCheck, Value
from triage_ml.domain.routing import Placement

if TYPE_CHECKING:
    from triage_ml.workflow.replay import Replayed, ScoreCheck

ARMS = {
    "live": "by the live model",
    "canary": "by the model on trial, placed by it",
    "shadow": "by the model on trial, in the shadow",
}


USED = {
    Used.RECORDED: "the scores recorded with it",
    Used.JOINED: "the scores recorded with it, joined with the ones before",
    Used.KEPT: "the scores of the placement before",
    Used.NONE: "no scores",
}


def as_lines(found: "Replayed", *, with_text: bool) -> Iterator[str]:
    """Tell a person what was said, why the case stood where it did, and whether it is so again."""
    case = found.case
    yield f"case {case.case_id}: {case.state.value}, queue {case.placement.queue}"
    for number, score in enumerate(found.scores, 1):
        yield ""
        yield from _score_lines(number, score, with_text=with_text)
    for number, placed in enumerate(found.placements, 1):
        yield ""
        yield from _placement_lines(number, placed)
    yield ""
    yield from _summary_lines(found)


def as_document(found: "Replayed", *, with_text: bool) -> dict[str, Any]:
    """Lay out everything for a program."""
    case = found.case
    return {
        "case_id": str(case.case_id),
        "state": case.state.value,
        "queue": case.placement.queue,
        "restricted": found.restricted,
        "tolerance": TOLERANCE,
        "largest_difference": _finite(found.largest_difference),
        "n_different": found.n_different,
        "n_unknown": found.n_unknown,
        "scores": [_score_document(row, with_text=with_text) for row in found.scores],
        "placements": [_placement_document(row) for row in found.placements],
    }


def _score_lines(number: int, score: "ScoreCheck", *, with_text: bool) -> Iterator[str]:
    record = score.record
    yield f"score {number}, {_time(record.at)}, {ARMS[record.arm.value]}"
    where = f" (from {score.where})" if score.where else ""
    yield f"  model     {record.model_version}{where}"
    read = f"{record.n_chars} characters as {record.language.value}"
    yield f"  saw       {read}, text {record.version_sha256[:12]}"
    if with_text and score.text:
        yield f"  text      {score.text!r}"
    if score.unknown:
        yield f"  cannot be replayed: {score.unknown}"
        return
    yield f"  {'':<18}{'recorded':>12}{'replayed':>12}{'difference':>12}  severity  support"
    for row in sorted(score.outputs, key=_rank):
        yield _output_line(row)
    yield f"  {_verdict(score.agrees, score.difference)}"


def _rank(row: OutputCheck) -> tuple[bool, float]:
    told = row.recorded.get("probability", 0.0)
    return "support" in row.recorded, -(told if isinstance(told, float) else 0.0)


def _output_line(row: OutputCheck) -> str:
    then, now = (_number(x.get("probability")) for x in (row.recorded, row.replayed))
    apart = f"{row.difference:.1e}" if isfinite(row.difference) else "differs"
    severity = row.recorded.get("severity")
    more = "" if severity is None else f"  {_number(severity, 4):>8}  {row.recorded['support']}"
    mark = "" if row.agrees else f"  DIFFERS: {_pairs(row)}"
    return f"  {row.output:<18}{then:>12}{now:>12}{apart:>12}{more}{mark}"


def _pairs(row: OutputCheck) -> str:
    names = dict.fromkeys((*row.recorded, *row.replayed))
    pairs = ((name, row.recorded.get(name), row.replayed.get(name)) for name in names)
    return ", ".join(f"{name} {then} is now {now}" for name, then, now in pairs if then != now)


def _placement_lines(number: int, check: PlacementCheck) -> Iterator[str]:
    yield f"placement {number}, {_time(check.at)}, {check.step.value} by {check.actor}"
    if check.origin is not None:
        yield f"  from      {_facts(check.origin)}"
    if check.recorded is not None:
        yield from _place_lines(check.recorded, check.recomputed)
    if check.unknown:
        yield f"  cannot be recomputed: {check.unknown}"
        return
    if check.differences and check.recorded and check.recomputed:
        then, now = check.recorded.as_detail(), check.recomputed.as_detail()
        pairs = (f"{name} {then[name]} is now {now[name]}" for name in check.differences)
        yield f"  DIFFERS: {'; '.join(pairs)}"
        return
    yield "  agrees"


def _facts(origin: PlacedFrom) -> str:
    summary = origin.facts.summary
    reports = _count(summary.n_reports, "report")
    by, names = ", ".join(summary.sources), ", ".join(sorted(summary.reasons))
    return f"{reports} ({by}) naming {names}; {USED[origin.used]}"


def _place_lines(then: Placement, now: Placement | None) -> Iterator[str]:
    priority = then.priority
    yield f"  policy    {priority.policy_version}"
    yield f"  tier      {priority.tier.name}: {priority.tier_reason}"
    yield f"  queue     {then.queue}: {then.route_reason}"
    terms = _terms(now.priority) if now and now.priority.harm_terms else ""
    yield f"  index     {priority.base:.6g}{terms}"
    yield f"  due       {_time(then.due_at)}, set by {then.clock}"


def _terms(priority: Priority) -> str:
    harm = ", ".join(
        f"{term.label.value} {term.value:.3g} ({term.basis} {term.probability:.3g})"
        for term in priority.harm_terms
        if term.value > 0
    )
    return (
        f" = harm {priority.harm:.4g} x reach {priority.reach:.4g} x reporter "
        f"{priority.reporter:.4g} x context {priority.context:.4g}\n            harm is of {harm}"
    )


def _summary_lines(found: "Replayed") -> Iterator[str]:
    scores, placements = len(found.scores), len(found.placements)
    n = f"{_count(scores, 'score')} and {_count(placements, 'placement')}"
    if not (found.scores or found.placements):
        yield "nothing is recorded of this case"
    elif found.n_different:
        yield f"DIFFERENT: {found.n_different} of {n}"
    else:
        largest, limit = found.largest_difference, f"{TOLERANCE:g} is allowed"
        yield f"{n}: none differs; the largest difference of a number is {largest:.1e} ({limit})"
    if found.n_unknown:
        yield f"{found.n_unknown} of {n} could not be replayed"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _verdict(agrees: bool, difference: float) -> str:
    if agrees:
        return f"agrees; the largest difference is {difference:.1e}"
    return f"DIFFERS by up to {difference:.3g}" if isfinite(difference) else "DIFFERS"


def _score_document(score: "ScoreCheck", *, with_text: bool) -> dict[str, Any]:
    record = score.record
    found: dict[str, Any] = {
        "score_id": record.score_id,
        "at": record.at.isoformat(),
        "arm": record.arm.value,
        "model_version": record.model_version,
        "model_from": score.where or None,
        "language": record.language.value,
        "n_chars": record.n_chars,
        "version_sha256": record.version_sha256,
        "agrees": None if score.unknown else score.agrees,
        "unknown": score.unknown or None,
        "outputs": [
            {
                "output": row.output,
                "recorded": dict(row.recorded),
                "replayed": dict(row.replayed),
                "difference": _finite(row.difference),
            }
            for row in score.outputs
        ],
    }
    return {**found, "text": score.text or None} if with_text else found


def _placement_document(check: PlacementCheck) -> dict[str, Any]:
    return {
        "sequence": check.sequence,
        "at": check.at.isoformat(),
        "step": check.step.value,
        "actor": check.actor,
        "facts": check.origin.as_detail() if check.origin else None,
        "agrees": None if check.unknown else not check.differences,
        "unknown": check.unknown or None,
        "differences": list(check.differences),
        "recorded": check.recorded.as_detail() if check.recorded else None,
        "recomputed": check.recomputed.as_detail() if check.recomputed else None,
    }


def _number(value: Value | None, digits: int = 6) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) else "-"


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
