"""LitServe over an ONNX Runtime session on our own served file, batched by LitServe.

python lit.py PORT MAX_BATCH_SIZE BATCH_TIMEOUT WORKERS THREADS, with PEER_ARTIFACT naming the
artifact's folder. The n-grams that the file reads beside the tokens are made by our own code.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import litserve
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from triage_ml.domain.text import normalise
from triage_ml.inference.ngrams import ngram_rows


class Scorer(litserve.LitAPI):
    def __init__(self, n_threads: int, **batching: Any) -> None:
        super().__init__(**batching)
        self.n_threads = n_threads

    def setup(self, device: str) -> None:  # noqa: ARG002  LitServe's own signature
        folder = Path(os.environ["PEER_ARTIFACT"])
        self.about = json.loads((folder / "manifest.json").read_text("utf-8"))
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(self.about["max_tokens"])
        self.tokenizer.enable_padding(pad_id=self.about["pad_id"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.n_threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def decode_request(self, request: dict[str, str]) -> str:
        return request["text"]

    def predict(self, x: Any) -> Any:
        texts = [normalise(text).text for text in ([x] if isinstance(x, str) else x)]
        encodings = self.tokenizer.encode_batch(texts)  # the prefix comes with the request
        feed = {
            "input_ids": np.array([e.ids for e in encodings], np.int64),
            "attention_mask": np.array([e.attention_mask for e in encodings], np.int64),
            "ngrams": ngram_rows(texts, self.about["ngram_bits"]),
        }
        logits = self.session.run(["logits"], feed)[0]
        found = 1 / (1 + np.exp(-logits))
        return found[0] if isinstance(x, str) else list(found)

    def encode_response(self, output: Any) -> dict[str, float]:
        names = [*self.about["labels"], "violation"]
        return dict(zip(names, output.astype(float).round(6).tolist(), strict=True))


if __name__ == "__main__":
    port, max_batch_size, batch_timeout, n_workers, n_threads = sys.argv[1:]
    size = int(max_batch_size)
    batching = {"max_batch_size": size, "batch_timeout": float(batch_timeout)} if size > 1 else {}
    api = Scorer(int(n_threads), **batching)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=int(n_workers))
    server.run(host="127.0.0.1", port=int(port), log_level="warning", generate_client_file=False)
