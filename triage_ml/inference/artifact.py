"""The model artifact: a folder with a manifest and checksums, no pickle.

    manifest.json    what the model is, what it was measured on, how to calibrate it, checksums
    model.onnx       input_ids, attention_mask (B, T), ngrams (B, N) int64 -> float32 of
                     logits (B, L + 1): one column per label of the manifest, then `violation`;
                     severity (B, L + 1): expected severity if the output applies, 0 to 4;
                     marks (B, T): probability that a token speaks for a violation
    tokenizer.json   tokenizers format
    card.md          the model card

Training writes it, serving loads it; nothing else passes between them.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from triage_ml.domain.taxonomy import HEADS, VIOLATION, Label, Language, SupportMatrix
from triage_ml.domain.text import NORMALISER_VERSION
from triage_ml.errors import ArtifactInvalid
from triage_ml.ports import ModelArtifact

FORMAT = 4
"""4: the graph quantises token by token, so that texts of many callers may share a batch."""
MANIFEST = "manifest.json"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
CARD = "card.md"
SHIPPED = Path(__file__).parent.parent / "models" / "current"
"""The artifact that comes with the package."""

DECISIONS = "decisions"
"""The name among sources of what reviewers decided."""

POOLED = "*"
"""Calibration key used for a language without a calibration of its own."""


class Calibration(BaseModel):
    """Beta calibration of a logit x, with p = sigmoid(x):

        probability = sigmoid(slope · ln p - slope_below · ln(1 - p) + intercept)

    Both slopes equal, it is Platt scaling. Monotone, since no slope is negative.
    Source: Kull, Silva Filho, Flach 2017, Beta calibration; Platt 1999.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    slope: float = Field(ge=0)
    slope_below: float = Field(ge=0)
    intercept: float

    @classmethod
    def platt(cls, slope: float, intercept: float) -> "Calibration":
        return cls(slope=slope, slope_below=slope, intercept=intercept)

    def logit(self, logit: float) -> float:
        return (
            self.slope * -_softplus(-logit) + self.slope_below * _softplus(logit) + self.intercept
        )

    def probability(self, logit: float, shift: float = 0.0) -> float:
        """Calibrated probability; `shift` is added on the calibrated logit scale."""
        z = min(max(self.logit(logit) + shift, -40.0), 40.0)
        return 1.0 / (1.0 + math.exp(-z))


Probability = Annotated[float, Field(ge=0, le=1)]
Shift = Annotated[float, Field(ge=0)]


class CellQuality(BaseModel):
    """Held-out quality of one language × output cell.

    `auc_low` and `auc_high` bound a 95 % bootstrap interval; `baseline_auc` is the best of the
    floors (character n-grams, sentence encoder) on the same rows, where one was measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n_positive: int = Field(ge=0)
    n_negative: int = Field(ge=0)
    auc: Probability | None = None
    auc_low: Probability | None = None
    auc_high: Probability | None = None
    average_precision: Probability | None = None
    calibration_error: Probability | None = None
    baseline_auc: Probability | None = None


class Manifest(BaseModel):
    """What an artifact says of itself.

    `support` and `quality` are keyed by language, then output; `calibration`, `upper_shift` and
    `thresholds` by output, then language or `POOLED`. `upper_shift` is added to the calibrated
    logit to bound it from above. `thresholds` are the probabilities from which an output is
    shown as found, chosen for `threshold_precision`. The model's severity is used for
    `severity_labels` only, its marks from probability `mark_threshold` on (None: no rationale).
    N-grams are hashed into 2^`ngram_bits` buckets. What was decided until `learned_until` may have
    been learned from, by the model or one that it continues.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = FORMAT
    model_version: str = Field(min_length=1, max_length=100)
    created_at: str
    normaliser_version: str
    base_model: str
    snapshot: str
    learned_until: AwareDatetime | None = None
    text_prefix: str
    max_tokens: int = Field(ge=8)
    window_overlap: int = Field(ge=0)
    pad_id: int = Field(ge=0)
    ngram_bits: int = Field(ge=4, le=24)
    labels: tuple[Label, ...] = Field(min_length=1)
    support: dict[str, dict[str, str]]
    calibration: dict[str, dict[str, Calibration]]
    upper_shift: dict[str, dict[str, Shift]]
    thresholds: dict[str, dict[str, Probability]]
    threshold_precision: float = Field(gt=0, lt=1)
    severity_labels: tuple[Label, ...] = ()
    mark_threshold: float | None = Field(default=None, gt=0, lt=1)
    quality: dict[str, dict[str, CellQuality]]
    sources: tuple[dict[str, str], ...]
    files: dict[str, str]

    @model_validator(mode="after")
    def _consistent(self) -> "Manifest":
        if self.format != FORMAT:
            raise ValueError(f"format {self.format} is not {FORMAT}")
        if self.normaliser_version != NORMALISER_VERSION:
            raise ValueError(
                f"made with normaliser {self.normaliser_version}, this is {NORMALISER_VERSION}"
            )
        heads = [head for head in HEADS if head in self.labels]
        if list(self.labels) != heads:
            raise ValueError("labels are not model heads in taxonomy order")
        if self.window_overlap >= self.max_tokens // 2:
            raise ValueError("window_overlap must be under half of max_tokens")
        SupportMatrix.from_nested(self.support)
        for output in self.outputs:
            for name in ("calibration", "upper_shift", "thresholds"):
                rows = getattr(self, name).get(output, {})
                if POOLED not in rows:
                    raise ValueError(f"no pooled {name} for {output}")
                if strange := rows.keys() - {POOLED, *Language}:
                    raise ValueError(f"{name} of {output} is for {min(strange)}, no language")
        if strange_labels := set(self.severity_labels) - set(self.labels):
            raise ValueError(f"severity_labels holds {min(strange_labels)}, which is no label here")
        missing = {MODEL, TOKENIZER, CARD} - self.files.keys()
        if missing:
            raise ValueError(f"files lacks {', '.join(sorted(missing))}")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the logit columns, in order."""
        return (*(label.value for label in self.labels), VIOLATION)

    @property
    def learning_known(self) -> bool:
        """Whether `learned_until` says all: where it is None, no source is decisions."""
        learned = any(source.get("name") == DECISIONS for source in self.sources)
        return self.learned_until is not None or not learned

    @property
    def support_matrix(self) -> SupportMatrix:
        return SupportMatrix.from_nested(self.support)

    def calibration_of(self, output: str, language: Language) -> Calibration:
        rows = self.calibration[output]
        return rows.get(language.value, rows[POOLED])

    def upper_shift_of(self, output: str, language: Language) -> float:
        rows = self.upper_shift[output]
        return rows.get(language.value, rows[POOLED])

    def threshold_of(self, output: str, language: Language) -> float:
        rows = self.thresholds[output]
        return rows.get(language.value, rows[POOLED])


@dataclass(frozen=True, slots=True)
class Artifact:
    """A folder whose manifest and checksums were verified."""

    folder: Path
    manifest: Manifest

    @property
    def model_path(self) -> Path:
        return self.folder / MODEL

    @property
    def tokenizer_path(self) -> Path:
        return self.folder / TOKENIZER

    def card(self) -> str:
        return (self.folder / CARD).read_text(encoding="utf-8")


def write_artifact(folder: Path, manifest: Mapping[str, Any]) -> Artifact:
    """Write the manifest over the files already in `folder`, then load it back.

    `manifest` holds every field but `files`, which is computed. The manifest is written last
    and renamed into place, so a half-written folder never loads.

    Raises: ArtifactInvalid when a field or a file is missing or wrong.
    """
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name != MANIFEST)
    files = {name: file_hash(folder / name) for name in names}
    try:
        checked = Manifest.model_validate({**manifest, "files": files})
    except ValidationError as error:
        raise ArtifactInvalid(str(folder), _first_problem(error)) from error
    draft = folder / (MANIFEST + ".part")
    draft.write_text(checked.model_dump_json(indent=1) + "\n", encoding="utf-8")
    draft.replace(folder / MANIFEST)
    return load_artifact(folder)


def to_publish(artifact: "Artifact") -> ModelArtifact:
    """Describe an artifact for a database of models."""
    own, manifest = file_hash(artifact.folder / MANIFEST), artifact.manifest
    files = {**manifest.files, MANIFEST: own}
    return ModelArtifact(manifest.model_version, own, artifact.folder, files)


def load_artifact(folder: Path) -> Artifact:
    """Read and verify an artifact folder. Raises: ArtifactInvalid, naming what is wrong."""
    try:
        raw = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise ArtifactInvalid(str(folder), f"no readable {MANIFEST}") from error
    try:
        manifest = Manifest.model_validate(json.loads(raw))
    except ValidationError as error:
        raise ArtifactInvalid(str(folder), _first_problem(error)) from error
    except ValueError as error:
        raise ArtifactInvalid(str(folder), f"{MANIFEST} is not JSON") from error
    for name, expected in manifest.files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise ArtifactInvalid(str(folder), f"{name} is missing")
        if file_hash(path) != expected:
            raise ArtifactInvalid(str(folder), f"{name} does not match its checksum")
    return Artifact(folder, manifest)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def file_hash(path: Path) -> str:
    """Give the SHA-256 by which the manifest names a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or MANIFEST
    return f"{where}: {problem['msg']}"
