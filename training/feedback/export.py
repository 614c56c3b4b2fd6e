"""Write decisions as examples: a folder that is there whole, or not at all.

The same decisions give the same `examples.jsonl`, byte by byte, so that its hash names them.
"""

import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from training.corpora.decisions import (
    EXAMPLES,
    FORMAT,
    MANIFEST,
    TABLE,
    Manifest,
    read_manifest,
    require_whole,
)
from training.corpora.examples import NO_LIST, Reserved
from training.feedback.gather import Gathered, Gathering
from training.feedback.noise import NoiseModel, decided
from training.feedback.scrub import SCRUBBER_VERSION
from triage_ml.domain.example import Exclusion, severities
from triage_ml.domain.policy import Policy
from triage_ml.domain.text import NORMALISER_VERSION
from triage_ml.errors import InvalidInput, SetupFailed
from triage_ml.ports import FeedbackStore, Place

PAGE = 500
"""Cases that are asked for at once."""

ROW_GROUP = 5_000
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

_NUMBERS = pa.map_(pa.string(), pa.int8())
_SCHEMA = pa.schema(
    [
        ("example_id", pa.string()),
        ("text", pa.string()),
        ("language", pa.string()),
        ("labels", _NUMBERS),
        ("confidence", pa.map_(pa.string(), pa.float64())),
        ("severity", _NUMBERS),
        ("weight", pa.float64()),
        ("decided_at", pa.string()),
        (
            "judgements",
            pa.list_(
                pa.struct(
                    [
                        ("case_id", pa.string()),
                        ("decided_at", pa.string()),
                        ("reviewer", pa.string()),
                        ("policy_version", pa.string()),
                        ("stage", pa.string()),
                        ("kind", pa.string()),
                        ("blind", pa.bool_()),
                        ("drawn_at_random", pa.bool_()),
                        ("propensity", pa.float64()),
                        ("overturned", pa.bool_()),
                    ]
                )
            ),
        ),
    ]
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: decisions in [since, until), joined by a noise model.

    `previous` is an earlier export; the manifest tells what of it is gone. `reserved` are texts
    that are kept for evaluation; the manifest names their list.
    """

    since: datetime
    until: datetime
    noise: NoiseModel = NoiseModel.DAWID_SKENE
    previous: Path | None = None
    reserved: Reserved = NO_LIST

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise InvalidInput("until", "must lie after since")


@dataclass
class _Tally:
    """What is counted while examples are written."""

    counts: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    contested: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    policies: set[str] = field(default_factory=set)
    reviewers: set[str] = field(default_factory=set)
    n_examples: int = 0

    def add(self, line: Mapping[str, Any]) -> None:
        self.n_examples += 1
        outputs = self.counts.setdefault(line["language"], {})
        for output, value in line["labels"].items():
            outputs.setdefault(output, Counter({"1": 0, "0": 0}))[str(value)] += 1
        for judgement in line["judgements"]:
            self.kinds[judgement["kind"]] += 1
            self.reviewers.add(judgement["reviewer"])
            if judgement["policy_version"] is not None:
                self.policies.add(judgement["policy_version"])


async def export_decisions(
    store: FeedbackStore,
    policy: Policy,
    out: Path,
    wanted: Wanted,
    now: datetime,
    tick: Callable[[int], None] = lambda _: None,
) -> Manifest:
    """Write the folder `out` and give its manifest. `tick` hears of cases that were read.

    Raises: InvalidInput when the folder is there, the export before it is damaged, or there is
    nothing to export; SetupFailed when it cannot be written; StoreUnavailable.
    """
    earlier = _earlier(wanted.previous) if wanted.previous else None
    with _draft(out) as draft:
        hints = {label for label, row in policy.labels.items() if not row.is_violation}
        gathering = Gathering(draft / "gathering.sqlite", hints, wanted.reserved.hashes)
        try:
            await _gather(store, policy, wanted, gathering, tick)
            gathering.join(wanted.noise)
            tally = _write(gathering, draft)
            previous = _gone(wanted.previous, earlier, gathering, draft)
        finally:
            gathering.close()
            gathering.path.unlink(missing_ok=True)
        if not tally.n_examples:
            raise InvalidInput("decisions", _nothing(gathering.excluded))
        manifest = _manifest(draft, wanted, now, tally, gathering.excluded, previous)
        text = json.dumps(asdict(manifest), indent=1, ensure_ascii=False)
        (draft / MANIFEST).write_text(text + "\n", "utf-8")
    return manifest


def _earlier(folder: Path) -> Manifest:
    """Read the manifest of the export before, which another version may have made."""
    manifest = read_manifest(folder)
    require_whole(folder / EXAMPLES, manifest.hash)
    return manifest


async def _gather(
    store: FeedbackStore,
    policy: Policy,
    wanted: Wanted,
    gathering: Gathering,
    tick: Callable[[int], None],
) -> None:
    queues = [name for name, row in policy.queues.items() if not row.restricted]
    after: Place | None = None
    while page := await store.decided_texts(wanted.since, wanted.until, queues, after, PAGE):
        for case in page:
            gathering.add(case)
        tick(len(page))
        after = Place(page[-1].decided_at, page[-1].case_id)


def _write(gathering: Gathering, draft: Path) -> _Tally:
    tally = _Tally()
    with (
        (draft / EXAMPLES).open("wb") as lines,
        pq.ParquetWriter(draft / TABLE, _SCHEMA, compression="zstd") as table,
    ):
        found = _lines(gathering, tally)
        while rows := list(islice(found, ROW_GROUP)):
            for row in rows:
                lines.write(_as_json(row))
            columns = [{**row, **_as_maps(row)} for row in rows]
            table.write_table(pa.Table.from_pylist(columns, _SCHEMA))
    return tally


def _lines(gathering: Gathering, tally: _Tally) -> Iterator[dict[str, Any]]:
    for found in gathering.examples():
        line = _line(found, tally)
        if line is None:
            gathering.excluded[Exclusion.CONTESTED.value] += 1
            continue
        tally.add(line)
        yield line


def _line(found: Gathered, tally: _Tally) -> dict[str, Any] | None:
    """Lay out an example; None where its verdicts decide nothing together."""
    labels: dict[str, int] = {}
    for output, p in found.probabilities.items():
        label = decided(p)
        if label is None:
            tally.contested[output] += 1
        else:
            labels[output] = label
    if not labels:
        return None
    sure = {output: found.probabilities[output] for output in labels}
    confidence = {output: round(max(p, 1 - p), 4) for output, p in sure.items()}
    return {
        "example_id": found.example_id,
        "text": found.text,
        "language": found.language,
        "labels": labels,
        "confidence": confidence,
        "severity": severities(labels, found.findings),
        "weight": _weight(confidence.values()),
        "decided_at": max(judgement["decided_at"] for judgement in found.judgements),
        "judgements": list(found.judgements),
    }


def _weight(confidences: Iterable[float]) -> float:
    """Give what the labels are worth over a throw of a coin: 0 at a half, 1 at certainty."""
    each = [2 * confidence - 1 for confidence in confidences]
    return round(sum(each) / len(each), 4)


def _gone(
    folder: Path | None, earlier: Manifest | None, gathering: Gathering, draft: Path
) -> dict[str, Any] | None:
    """Say how many examples of the export before are not in this one, and why."""
    if folder is None or earlier is None:
        return None
    with (draft / EXAMPLES).open(encoding="utf-8") as lines:
        here = {json.loads(line)["example_id"] for line in lines}
    n_gone = n_erased = 0
    with (folder / EXAMPLES).open(encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            if entry["example_id"] not in here:
                n_gone += 1
                n_erased += any(
                    gathering.was_erased(judgement["case_id"]) for judgement in entry["judgements"]
                )
    return {
        "hash": earlier.hash,
        "n_examples": earlier.n_examples,
        "n_gone": n_gone,
        "n_gone_erased": n_erased,
    }


def _manifest(
    draft: Path,
    wanted: Wanted,
    now: datetime,
    tally: _Tally,
    excluded: Mapping[str, int],
    previous: dict[str, Any] | None,
) -> Manifest:
    return Manifest(
        format=FORMAT,
        made_at=now.astimezone(UTC).isoformat(),
        normaliser=NORMALISER_VERSION,
        scrubber=SCRUBBER_VERSION,
        hash=_sha256(draft / EXAMPLES),
        parquet_sha256=_sha256(draft / TABLE),
        n_examples=tally.n_examples,
        n_decisions=tally.kinds["decision"],
        n_judgements=tally.kinds.total(),
        n_reviewers=len(tally.reviewers),
        # Nothing of the future was decided: a later export has to begin where this one ends.
        window={"since": wanted.since.isoformat(), "until": min(wanted.until, now).isoformat()},
        policy_versions=tuple(sorted(tally.policies)),
        noise_model=wanted.noise.value,
        counts={
            language: {output: dict(values) for output, values in sorted(outputs.items())}
            for language, outputs in sorted(tally.counts.items())
        },
        excluded={reason.value: excluded.get(reason.value, 0) for reason in Exclusion},
        contested=dict(sorted(tally.contested.items())),
        previous=previous,
        exclude_sha256=wanted.reserved.sha256,
    )


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """Give a folder beside `out` that takes its place at the end, and goes if anything fails."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidInput("out", f"{out} is there already; an export is never written over")
    draft: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        yield draft
        draft.chmod(0o755)
        draft.replace(out)
    except OSError as error:
        raise SetupFailed(f"cannot write {out}: {error.strerror or error}") from error
    except sqlite3.Error as error:  # a full disk, as a rule
        raise SetupFailed(f"cannot write {out}: {error}") from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _nothing(excluded: Mapping[str, int]) -> str:
    told = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in sorted(excluded.items()))
    return f"none of this window can be learnt from ({told or 'there are none'})"


def _as_json(row: Mapping[str, Any]) -> bytes:
    line = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return line.encode("utf-8") + b"\n"


def _as_maps(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: sorted(row[name].items()) for name in ("labels", "confidence", "severity")}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
