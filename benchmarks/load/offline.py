"""The model alone on ONNX Runtime: no server, tokens made beforehand, best batch size."""

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import onnxruntime

from benchmarks.load.mix import plain_tokenizer
from triage_ml.inference.artifact import Artifact
from triage_ml.inference.ngrams import ngram_rows
from triage_ml.inference.windows import Framer, Window, batches, pad

OUTPUTS = ("logits", "severity", "marks")
BATCH_TOKENS = (1, 128, 256, 512, 1024, 2048, 4096)
"""Padded tokens of a batch that are tried; 1 stands for one text at a time."""
Feed = dict[str, Any]


@dataclass(frozen=True)
class Threads:
    """`runs` side by side, each on `intra` threads of the runtime."""

    runs: int
    intra: int


def layouts(n_cores: int) -> list[Threads]:
    """Give the ways to use all cores: many runs of one thread, or one run of many."""
    return [Threads(n_cores, 1), *([Threads(1, n_cores)] if n_cores > 1 else [])]


def open_session(path: str, intra: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = intra
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class Bare:
    """An artifact's model, and texts made ready for it."""

    def __init__(self, artifact: Artifact) -> None:
        manifest = artifact.manifest
        self._manifest = manifest
        self._path = str(artifact.model_path)
        self._framer = Framer(
            plain_tokenizer(artifact.tokenizer_path),
            manifest.text_prefix,
            manifest.max_tokens,
            manifest.window_overlap,
        )

    def windows(self, texts: Sequence[str]) -> list[Window]:
        return self._framer.windows(texts)

    def feed(self, windows: Sequence[Window]) -> Feed:
        ids, mask = pad([window.ids for window in windows], self._manifest.pad_id)
        buckets = ngram_rows([window.letters for window in windows], self._manifest.ngram_bits)
        return {"input_ids": ids, "attention_mask": mask, "ngrams": buckets}

    def session(self, intra: int) -> Any:
        return open_session(self._path, intra)

    def feeds(self, windows: Sequence[Window], batch_tokens: int) -> list[Feed]:
        groups = batches([len(window.ids) for window in windows], batch_tokens)
        return [self.feed([windows[i] for i in group]) for group in groups]


class Alone:
    """The model alone, ready to run the batches of some texts with one setting."""

    def __init__(
        self, bare: Bare, texts: Sequence[str], batch_tokens: int, threads: Threads
    ) -> None:
        self._feeds = bare.feeds(bare.windows(texts), batch_tokens)
        self._session = bare.session(threads.intra)
        self._runs = threads.runs
        self._n_texts = len(texts)

    def texts_per_second(self, seconds: float) -> float:
        """Run the batches of all texts, again and again, for so many seconds (of whole rounds)."""
        with ThreadPoolExecutor(self._runs) as pool:

            def once() -> float:
                begun = time.perf_counter()
                list(pool.map(lambda feed: self._session.run(OUTPUTS, feed), self._feeds))
                return time.perf_counter() - begun

            once()  # warm-up
            begun = time.perf_counter()
            rounds: list[float] = []
            while not rounds or time.perf_counter() - begun < seconds:
                rounds.append(once())
        return self._n_texts / statistics.median(rounds)


def best_batch(bare: Bare, texts: Sequence[str], n_cores: int, seconds: float) -> dict[str, Any]:
    """Try every batch size on every layout of threads; give the best, and all."""
    tried = [
        {
            "batch_tokens": batch_tokens,
            "runs": threads.runs,
            "intra_threads": threads.intra,
            "texts_per_second": round(
                Alone(bare, texts, batch_tokens, threads).texts_per_second(seconds), 1
            ),
        }
        for threads in layouts(n_cores)
        for batch_tokens in BATCH_TOKENS
    ]
    windows = bare.windows(texts)
    return {
        "best": max(tried, key=lambda row: float(row["texts_per_second"])),
        "tried": tried,
        "texts": len(texts),
        "windows": len(windows),
        "tokens_per_text": round(sum(len(w.ids) for w in windows) / len(texts), 1),
    }


def single_call_ms(bare: Bare, session: Any, text: str) -> float:
    """Time the bare model on one text, tokens made beforehand; its windows one after another."""
    feeds = [bare.feed([window]) for window in bare.windows([text])]
    begun = time.perf_counter()
    for feed in feeds:
        session.run(OUTPUTS, feed)
    return 1e3 * (time.perf_counter() - begun)
