"""Decisions of reviewers as a corpus: a folder that `triage decisions export` wrote.

`examples.jsonl` holds one example a line, `examples.parquet` the same for tools that like
columns, and `manifest.json` says what they are and proves that they are whole.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.corpora.examples import EXCLUDE, read_reserved
from training.corpora.sources import OUTPUTS, Row, Source
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES
from triage_ml.domain.text import NORMALISER_VERSION
from triage_ml.errors import InvalidInput

FORMAT = 1
EXAMPLES, TABLE, MANIFEST = "examples.jsonl", "examples.parquet", "manifest.json"
NAME = "decisions"

Counts = Mapping[str, Mapping[str, Mapping[str, int]]]
"""{language: {output: {"1": examples, "0": examples}}}"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export is. `hash` is the SHA-256 of `examples.jsonl`.

    `excluded` counts cases by why they are no example, `contested` examples by the output whose
    label is unknown because the verdicts contradict each other. `previous` is the export before,
    where one was named, with how many of its examples are gone. `exclude_sha256` is the SHA-256 of
    the list of reserved texts that were left out, None where no list was applied.
    """

    format: int
    made_at: str
    normaliser: str
    scrubber: str
    hash: str
    parquet_sha256: str
    n_examples: int
    n_decisions: int
    n_judgements: int
    n_reviewers: int
    window: Mapping[str, str]
    policy_versions: tuple[str, ...]
    noise_model: str
    counts: Counts
    excluded: Mapping[str, int]
    contested: Mapping[str, int]
    previous: Mapping[str, Any] | None = None
    exclude_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionSet:
    """Examples from decisions; `source` reads them like any corpus, wherever it is asked to."""

    manifest: Manifest
    source: Source


def load_decisions(folder: Path) -> DecisionSet:
    """Check an export and give it as a source.

    Raises: InvalidInput, naming the file and what is wrong with it.
    """
    manifest = read_manifest(folder)
    path = folder / EXAMPLES
    if manifest.normaliser != NORMALISER_VERSION:
        reason = f"made with normaliser {manifest.normaliser}, this is {NORMALISER_VERSION}"
        raise InvalidInput(str(folder / MANIFEST), f"{reason}; export the decisions again")
    if not any(manifest.counts.values()):
        raise InvalidInput(str(folder / MANIFEST), "holds no example in any language")
    if unknown := set(manifest.counts) - {language.value for language in SUPPORTED_LANGUAGES}:
        raise InvalidInput(str(folder / MANIFEST), f"no such language: {min(unknown)}")
    require_whole(path, manifest.hash)
    return DecisionSet(manifest, source_of(folder))


def read_manifest(folder: Path) -> Manifest:
    """Raises: InvalidInput."""
    path = folder / MANIFEST
    if not path.is_file():
        raise InvalidInput(str(path), "no such file; `triage decisions export` writes it")
    try:
        found = json.loads(path.read_text("utf-8"))
        if found["format"] != FORMAT:
            reason = f"is of format {found['format']}, this version reads {FORMAT}"
            raise InvalidInput(str(path), reason)
        manifest = Manifest(**{**found, "policy_versions": tuple(found["policy_versions"])})
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise InvalidInput(str(path), f"is no manifest of decisions: {error}") from error
    _check_counts(path, manifest)
    return manifest


def source_of(folder: Path) -> Source:
    """Describe the examples of a folder as a corpus; its rows carry their own language."""
    return Source(
        NAME,
        "multi",
        "open",
        "the operator's own",
        "Decisions of this service's reviewers",
        lambda _: read_rows(folder / EXAMPLES),
    )


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the examples of a file. Raises: InvalidInput, naming the line."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            yield _row(f"{path}: line {number}", line)


def _row(where: str, line: str) -> Row:
    try:
        entry: dict[str, Any] = json.loads(line)
        labels = {output: int(value) for output, value in entry["labels"].items()}
        row = Row(
            text=str(entry["text"]),
            labels=labels,
            language=str(entry["language"]),
            severity={label: int(level) for label, level in entry["severity"].items()},
            weight=float(entry["weight"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(where, f"not an example: {error}") from error
    if unknown := set(labels) - set(OUTPUTS):
        raise InvalidInput(where, f"no output {min(unknown)}")
    return row


def _check_counts(path: Path, manifest: Manifest) -> None:
    try:
        for outputs in manifest.counts.values():
            for values in outputs.values():
                int(values["1"]), int(values["0"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(
            str(path), f"counts: not {{language: {{output: …}}}}: {error}"
        ) from error


def require_whole(path: Path, sha256: str) -> None:
    """Raises: InvalidInput."""
    if not path.is_file():
        raise InvalidInput(str(path), "no such file beside its manifest")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise InvalidInput(str(path), "is not what its manifest says: damaged or changed")


def require_list(folder: Path, manifest: Mapping[str, Any], data: Path) -> None:
    """Check that an export left out the texts that `data` reserves. Raises: InvalidInput.

    The list that was applied must tell: scrubbed, a reserved text is not known again.
    """
    reserved = read_reserved(data)
    applied = manifest.get("exclude_sha256")
    if not reserved.hashes or applied == reserved.sha256:
        return
    found = "null" if applied is None else f"{str(applied)[:12]}, not that of {data / EXCLUDE}"
    raise InvalidInput(
        str(folder / MANIFEST),
        f"exclude_sha256 is {found}: reserved texts may be among the examples; "
        f"export again with --data {data}",
    )
