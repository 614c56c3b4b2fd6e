"""FastAPI over a transformers pipeline, written as people write it first.

uvicorn plain:app --app-dir benchmarks/peers, with PEER_MODEL naming the model's folder
"""

import os
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

folder = os.environ["PEER_MODEL"]
classify: Any = pipeline(
    "text-classification", model=folder, tokenizer=folder, top_k=None, function_to_apply="sigmoid"
)
app = FastAPI()


class Text(BaseModel):
    text: str


@app.post("/score")
def score(body: Text) -> Any:
    return classify(body.text, truncation=True, max_length=128)
