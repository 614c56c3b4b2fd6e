"""The served model: an artifact on ONNX Runtime, on the CPU.

By default every window runs alone, so that the same text always gets the same scores. A model
in 8 bits scales its activations to the whole batch, and neighbours move a score: in batches of
512 to 4,096 tokens a probability moved by 0.006 in the mean, 0.08 at the 99th percentile and
0.19 at most, about as far as 8 bits are from fp32; fp32 moves by less than 1e-6. Alone, a text
of 37 tokens costs 4.9 ms of CPU, batched 3.9. (251 texts, 7 outputs, 12 layers, the model at a
fifth of its training, one thread of a busy CPU, 2026-11.)

Thread-safe: calls from several threads share the session and the tokenizer, which keep no
state between calls.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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

Logits = npt.NDArray[np.float32]
Rows = Sequence[Sequence[int]]
RunAll = Callable[[Callable[[Rows], Logits], Iterable[Rows]], Iterable[Logits]]

INPUTS = ("input_ids", "attention_mask")


class OnnxScorer:
    """Scores texts with an artifact (`ports.Scorer`).

    `severities` is the expected severity per label, the policy's typical one. Up to `n_threads`
    windows run side by side. With `max_batch_tokens`, windows run in batches of so many padded
    tokens, a little faster (see the module for what that costs).
    """

    def __init__(
        self,
        artifact: Artifact,
        severities: Mapping[Label, float],
        n_threads: int = 1,
        *,
        max_batch_tokens: int | None = None,
    ) -> None:
        manifest = artifact.manifest
        if max_batch_tokens is not None and max_batch_tokens < manifest.max_tokens:
            raise ValueError(f"max_batch_tokens must be at least {manifest.max_tokens}")
        self._manifest = manifest
        self._severities = {label: float(severities[label]) for label in manifest.labels}
        self._max_batch_tokens = max_batch_tokens
        self._framer = _framer(artifact)
        self._session = _session(artifact)
        self._map = _mapper(n_threads)
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
        groups = self._groups(windows)
        rows = ([windows[i].ids for i in group] for group in groups)
        for group, found in zip(groups, self._map(self._run, rows), strict=True):
            logits[group] = found
        return logits

    def _groups(self, windows: Sequence[Window]) -> list[list[int]]:
        if self._max_batch_tokens is None:
            return [[i] for i in range(len(windows))]
        return list(batches([len(window.ids) for window in windows], self._max_batch_tokens))

    def _run(self, rows: Rows) -> Logits:
        ids, mask = pad(rows, self._manifest.pad_id)  # (B, T)
        try:
            output = self._session.run(None, dict(zip(INPUTS, (ids, mask), strict=True)))[0]
        except Exception as error:  # the runtime's errors share no base class
            raise ScoringFailed(f"the model runtime failed: {type(error).__name__}") from error
        logits: Logits = np.asarray(output)  # (B, L + 1)
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


def _mapper(n_threads: int) -> RunAll:
    if n_threads == 1:
        return map
    return ThreadPoolExecutor(n_threads, thread_name_prefix="scorer").map


def _session(artifact: Artifact) -> Any:
    options = ort.SessionOptions()
    # A run stays on its caller's thread: two runs side by side cost 15 % less CPU than one on
    # two threads (5.0 and 5.8 ms a text), and no thread spins while it waits for work.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
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
