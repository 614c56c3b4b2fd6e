"""Save the peers' model in MLflow's transformers flavour, for `mlflow models serve`.

python log_mlflow.py MODEL_FOLDER TARGET_FOLDER
"""

import sys

import mlflow
from transformers import pipeline

source, target = sys.argv[1:]
model = pipeline("text-classification", model=source, tokenizer=source, device="cpu")
mlflow.transformers.save_model(
    model,
    target,
    task="text-classification",
    model_config={
        "top_k": None,
        "function_to_apply": "sigmoid",
        "truncation": True,
        "max_length": 128,
    },
    pip_requirements=[],
)
