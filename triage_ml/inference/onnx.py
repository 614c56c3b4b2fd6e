"""The served model: an artifact on ONNX Runtime, on the CPU.

Thread-safe: calls from several threads share the session and the tokenizer, which keep no
state between calls.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from tokenizers import Tokenizer

from triage_ml.domain.scores import LabelScore, LabelScores
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import ArtifactInvalid, ScoringFailed
from triage_ml.inference.artifact import Artifact, load_artifact
from triage_ml.inference.calibrate import Calibrator, Floats
from triage_ml.inference.windows import Framer, Window, batches, pad
from triage_ml.ports import ModelInfo

MAX_BATCH_TOKENS = 1_024
"""Padded tokens of one run of the model: 8 texts of 128 tokens, or 32 of 32."""

INPUTS = ("input_ids", "attention_mask")


class OnnxScorer:
    """Scores texts with an artifact (`ports.Scorer`).

    `severities` is the expected severity per label, the policy's typical one.
    """

    def __init__(
        self,
        artifact: Artifact,
        severities: Mapping[Label, float],
        n_threads: int = 1,
        *,
        max_batch_tokens: int = MAX_BATCH_TOKENS,
    ) -> None:
        manifest = artifact.manifest
        if max_batch_tokens < manifest.max_tokens:
            raise ValueError(f"max_batch_tokens must be at least {manifest.max_tokens}")
        self._manifest = manifest
        self._severities = {label: float(severities[label]) for label in manifest.labels}
        self._max_batch_tokens = max_batch_tokens
        self._framer = _framer(artifact)
        self._session = _session(artifact, n_threads)
        self._calibrator = Calibrator(manifest)
        self._info = _info(artifact)

    @property
    def info(self) -> ModelInfo:
        return self._info

    def score(self, texts: Sequence[str], languages: Sequence[Language]) -> list[LabelScores]:
        """Score original texts, in order. Raises: ScoringFailed, with no partial answer."""
        if len(texts) != len(languages):
            raise ValueError(f"{len(texts)} texts, but {len(languages)} languages")
        if not texts:
            return []
        windows = self._framer.windows(texts)
        logits = self._logits(windows)  # (windows, L + 1)
        owners = [window.text for window in windows]
        # Slopes are at least 0: the highest logit of a text gives its highest probability.
        worst = np.full((len(texts), logits.shape[1]), -np.inf)  # (B, L + 1)
        np.maximum.at(worst, owners, logits)
        n_windows = np.bincount(owners, minlength=len(texts))
        values, upper = self._calibrator.probabilities(worst, languages)
        return [
            self._label_scores(values[i], upper[i], language, int(n_windows[i]))
            for i, language in enumerate(languages)
        ]

    def _logits(self, windows: Sequence[Window]) -> Floats:
        logits = np.empty((len(windows), len(self._manifest.outputs)))
        lengths = [len(window.ids) for window in windows]
        for chosen in batches(lengths, self._max_batch_tokens):
            logits[chosen] = self._run([windows[i].ids for i in chosen])
        return logits

    def _run(self, rows: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        ids, mask = pad(rows, self._manifest.pad_id)  # (B, T)
        try:
            output = self._session.run(None, dict(zip(INPUTS, (ids, mask), strict=True)))[0]
        except Exception as error:  # the runtime's errors share no base class
            raise ScoringFailed(f"the model runtime failed: {type(error).__name__}") from error
        logits: npt.NDArray[np.float32] = np.asarray(output)  # (B, L + 1)
        wanted = (len(rows), len(self._manifest.outputs))
        if logits.shape != wanted:
            raise ScoringFailed(f"the model gave shape {logits.shape} instead of {wanted}")
        if not np.isfinite(logits).all():
            raise ScoringFailed("the model gave a logit that is not a finite number")
        return logits

    def _label_scores(
        self, values: Floats, upper: Floats, language: Language, n_windows: int
    ) -> LabelScores:
        labels = {
            label: LabelScore(
                probability=float(values[i]),
                upper=float(upper[i]),
                severity=self._severities[label],
                support=self._info.support.of(language, label),
            )
            for i, label in enumerate(self._manifest.labels)
        }
        version = self._manifest.model_version
        return LabelScores(labels, float(values[-1]), language, version, n_windows)


def load_scorer(folder: Path, severities: Mapping[Label, float], n_threads: int = 1) -> OnnxScorer:
    """Load an artifact folder and run it once. Raises: ArtifactInvalid."""
    scorer = OnnxScorer(load_artifact(folder), severities, n_threads)
    try:
        scorer.score(["a first text"], [Language.UND])
    except ScoringFailed as error:
        raise ArtifactInvalid(str(folder), f"a first text is {error}") from error
    return scorer


def _framer(artifact: Artifact) -> Framer:
    manifest = artifact.manifest
    try:
        tokenizer = Tokenizer.from_file(str(artifact.tokenizer_path))
        return Framer(tokenizer, manifest.text_prefix, manifest.max_tokens, manifest.window_overlap)
    except Exception as error:  # tokenizers raises bare Exception
        raise ArtifactInvalid(str(artifact.folder), f"tokenizer: {error}") from error


def _session(artifact: Artifact, n_threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    # Threads that wait for work sleep: an idle service leaves the CPU idle.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    path = str(artifact.model_path)
    try:
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors share no base class
        raise ArtifactInvalid(str(artifact.folder), f"model: {error}") from error
    names = tuple(sorted(node.name for node in session.get_inputs()))
    if names != tuple(sorted(INPUTS)):
        raise ArtifactInvalid(str(artifact.folder), f"model: inputs are {', '.join(names)}")
    return session


def _info(artifact: Artifact) -> ModelInfo:
    manifest = artifact.manifest
    quality = {
        language: {output: cell.model_dump() for output, cell in row.items()}
        for language, row in manifest.quality.items()
    }
    return ModelInfo(
        version=manifest.model_version,
        labels=manifest.labels,
        support=manifest.support_matrix,
        card=artifact.card(),
        quality=quality,
    )
