"""The served model: an artifact on ONNX Runtime, on the CPU.

Windows of a call run in batches of similar length. Activations are quantised token by token
(training/learning/quantise.py), so neighbours and padding do not move a score: alone and batched,
a logit differs by rounding of floats alone.

Thread-safe: calls from several threads share the session and the tokenizer, which keep no
state between calls.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from tokenizers import Tokenizer

from triage_ml.domain.scores import LabelScore, LabelScores, Span
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.domain.text import NormalisedText
from triage_ml.errors import ArtifactInvalid, ScoringFailed
from triage_ml.inference.artifact import TOKENIZER, Artifact, Manifest, load_artifact
from triage_ml.inference.calibrate import Calibrator, Floats
from triage_ml.inference.ngrams import ngram_rows
from triage_ml.inference.rationale import Word, spans_of, weigh_words
from triage_ml.inference.windows import BATCH_TOKENS, Framer, Source, Window, batches, pad
from triage_ml.ports import Answered, ModelInfo

Windows = Sequence[Window]


INPUTS = ("input_ids", "attention_mask", "ngrams")
OUTPUTS = ("logits", "severity", "marks")


class Answer(NamedTuple):
    """What the model says of one window."""

    logits: npt.NDArray[np.float32]  # (L + 1,)
    severity: npt.NDArray[np.float32]  # (L + 1,)
    marks: npt.NDArray[np.float32]  # (T,), padding included


Part = tuple[int, Answer]  # first body token of a window, and what is said of it


class Reading(NamedTuple):
    """What the model says of a whole text: the worst of its windows."""

    logits: npt.NDArray[np.float32]  # (L + 1,)
    severity: npt.NDArray[np.float32]  # (L + 1,)
    parts: list[Part]
    source: Source


RunAll = Callable[[Callable[[Windows], list[Answer]], Iterable[Windows]], Iterable[list[Answer]]]


class OnnxScorer:
    """Scores texts with an artifact (`ports.Scorer`).

    `severities` is the policy's typical severity per label, for labels whose severity the model
    has not learned. Words are highlighted for the labels that reach their threshold. Windows run in
    batches of up to `max_batch_tokens` padded tokens, up to `n_threads` batches side by side.
    """

    def __init__(
        self,
        artifact: Artifact,
        severities: Mapping[Label, float],
        n_threads: int = 1,
        *,
        max_batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        manifest = artifact.manifest
        if max_batch_tokens < manifest.max_tokens:
            raise ValueError(f"max_batch_tokens must be at least {manifest.max_tokens}")
        self._manifest = manifest
        self._severities = {label: float(severities[label]) for label in manifest.labels}
        self._learned = frozenset(manifest.severity_labels)
        self._max_batch_tokens = max_batch_tokens
        self._framer = _framer(artifact)
        self._session = _session(artifact)
        self._map = _mapper(n_threads)
        self._calibrator = Calibrator(manifest)
        self._info = _info(artifact)

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    def score(self, texts: Sequence[str], languages: Sequence[Language]) -> list[LabelScores]:
        """Score original texts, in order. Raises: ScoringFailed, with no partial answer."""
        if len(texts) != len(languages):
            raise ValueError(f"{len(texts)} texts, but {len(languages)} languages")
        return self._scores(languages, self.read(texts)) if texts else []

    def cut(self, text: NormalisedText) -> list[Window]:
        """Cut a text into windows."""
        return list(self._framer.cut(text))

    def join(self, texts: Sequence[Answered[Window, Answer]]) -> list[LabelScores]:
        """Make the scores of texts of what was said of their windows."""
        readings = []
        for _, pieces, answers in texts:
            starts = (window.start for window in pieces)
            readings.append(_worst(list(zip(starts, answers, strict=True)), pieces[0]))
        return self._scores([language for language, _, _ in texts], readings)

    def _scores(
        self, languages: Sequence[Language], readings: Sequence[Reading]
    ) -> list[LabelScores]:
        logits = np.array([reading.logits for reading in readings], np.float64)  # (B, L + 1)
        values, upper = self._calibrator.probabilities(logits, languages)
        return [
            self._label_scores(values[i], upper[i], language, readings[i])
            for i, language in enumerate(languages)
        ]

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Give what the model itself says of original texts, in order. Raises: ScoringFailed."""
        if not texts:
            return []
        windows = self._framer.windows(texts)
        parts: list[list[Part]] = [[] for _ in texts]
        first: dict[int, Window] = {}
        for window, answer in zip(windows, self._answers(windows), strict=True):
            parts[window.text].append((window.start, answer))
            first.setdefault(window.text, window)
        return [_worst(own, first[i]) for i, own in enumerate(parts)]

    def words(self, reading: Reading) -> list[Word]:
        """Give the words of the original text, each with its mark as the reason."""
        clean, words = self._weigh(reading)
        return [(*clean.original_span(start, end), weight) for start, end, weight in words]

    def _answers(self, windows: Sequence[Window]) -> list[Answer]:
        answers: list[Answer | None] = [None] * len(windows)
        lengths = [len(window.ids) for window in windows]
        groups = list(batches(lengths, self._max_batch_tokens))
        rows = ([windows[i] for i in group] for group in groups)
        for group, found in zip(groups, self._map(self.run, rows), strict=True):
            for i, answer in zip(group, found, strict=True):
                answers[i] = answer
        return [answer for answer in answers if answer is not None]

    def run(self, pieces: Windows) -> list[Answer]:
        """Run one batch, as large as it is. Raises: ScoringFailed."""
        ids, mask = pad([window.ids for window in pieces], self._manifest.pad_id)  # (B, T)
        letters = [window.letters for window in pieces]
        buckets = ngram_rows(letters, self._manifest.ngram_bits)  # (B, N)
        try:
            logits, severity, marks = self._session.run(
                OUTPUTS, dict(zip(INPUTS, (ids, mask, buckets), strict=True))
            )
        except Exception as error:  # the runtime's errors share no base class
            raise ScoringFailed(f"the model runtime failed: {type(error).__name__}") from error
        wanted = (len(pieces), len(self._manifest.outputs))
        for found, shape in ((logits, wanted), (severity, wanted), (marks, ids.shape)):
            if found.shape != shape:
                raise ScoringFailed(f"the model gave shape {found.shape} instead of {shape}")
        if not all(np.isfinite(found).all() for found in (logits, severity, marks)):
            raise ScoringFailed("the model gave a logit that is not a finite number")
        return [Answer(*found) for found in zip(logits, severity, marks, strict=True)]

    def _label_scores(
        self, values: Floats, upper: Floats, language: Language, reading: Reading
    ) -> LabelScores:
        reached: list[bool] = (values >= self._calibrator.thresholds(language)).tolist()
        spans = self._spans(reading) if any(reached) else ()
        support = self._info.support
        rows = zip(
            self._manifest.labels,
            values.tolist(),
            upper.tolist(),
            reading.severity.tolist(),
            reached,
            strict=False,  # the last output, violation, is no label
        )
        labels = {
            label: LabelScore(
                probability, bound, self._severity(label, severity), support.of(language, label),
                spans if is_reached else (),
            )
            for label, probability, bound, severity, is_reached in rows
        }  # fmt: skip
        version = self._manifest.model_version
        return LabelScores(labels, float(values[-1]), language, version, len(reading.parts))

    def _severity(self, label: Label, learned: float) -> float:
        if label in self._learned:
            return min(max(learned, 0.0), 4.0)
        return self._severities[label]

    def _spans(self, reading: Reading) -> tuple[Span, ...]:
        threshold = self._manifest.mark_threshold
        return () if threshold is None else spans_of(*self._weigh(reading), threshold)

    def _weigh(self, reading: Reading) -> tuple[NormalisedText, Iterator[Word]]:
        clean, places = reading.source.clean, self._framer.places(reading.source)
        return clean, weigh_words(clean.text, places, self._marks(reading, places))

    def _marks(self, reading: Reading, places: Sequence[tuple[int, int]]) -> list[float]:
        """Give each body token the highest mark of the windows it is in."""
        marks = np.zeros(len(places))
        n_head = len(self._framer.head)
        for start, answer in reading.parts:
            n_body = min(len(answer.marks) - n_head - len(self._framer.tail), len(places) - start)
            inside = slice(start, start + n_body)
            marks[inside] = np.maximum(marks[inside], answer.marks[n_head : n_head + n_body])
        found: list[float] = marks.tolist()
        return found


def _worst(parts: list[Part], first: Window) -> Reading:
    """Take each output, and its severity, from the window where it is most likely.

    Calibration is monotone: the highest logit of a text gives its highest probability.
    """
    if len(parts) == 1:  # most texts
        answer = parts[0][1]
        return Reading(answer.logits, answer.severity, parts, first.source)
    logits = np.stack([answer.logits for _, answer in parts])  # (windows, L + 1)
    severity = np.stack([answer.severity for _, answer in parts])
    worst = logits.argmax(0)[None]  # (1, L + 1)
    highest = np.take_along_axis(logits, worst, 0)[0]
    return Reading(highest, np.take_along_axis(severity, worst, 0)[0], parts, first.source)


def load_scorer(folder: Path, severities: Mapping[Label, float]) -> OnnxScorer:
    """Load an artifact folder and run it once. Raises: ArtifactInvalid."""
    scorer = OnnxScorer(load_artifact(folder), severities)
    try:
        scorer.score(["a first text"], [Language.UND])
    except ScoringFailed as error:
        raise ArtifactInvalid(str(folder), f"a first text is {error}") from error
    return scorer


def _tokenizer(artifact: Artifact) -> Tokenizer:
    """Read a tokenizer, or give the one before if it is the same.

    The next model's mostly is, and reading one keeps every other thread from Python.
    """
    digest = artifact.manifest.files[TOKENIZER]
    if digest not in _LAST_TOKENIZER:
        _LAST_TOKENIZER.clear()
        _LAST_TOKENIZER[digest] = Tokenizer.from_file(str(artifact.tokenizer_path))
    return _LAST_TOKENIZER[digest]


_LAST_TOKENIZER: dict[str, Tokenizer] = {}


def _framer(artifact: Artifact) -> Framer:
    manifest = artifact.manifest
    try:
        tokenizer = _tokenizer(artifact)
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
    given = tuple(node.name for node in session.get_outputs())
    if given != OUTPUTS:
        raise ArtifactInvalid(str(artifact.folder), f"model: outputs are {', '.join(given)}")
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
