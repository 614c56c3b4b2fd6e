"""Export the peers' model to ONNX in 8 bits, as the tools around Hugging Face do it.

python export_onnx.py MODEL_FOLDER TARGET_FOLDER
"""

import shutil
import sys
from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic
from optimum.onnxruntime import ORTModelForSequenceClassification

source, target = map(Path, sys.argv[1:])
draft = target.with_name(target.name + ".part")
shutil.rmtree(draft, ignore_errors=True)
ORTModelForSequenceClassification.from_pretrained(source, export=True).save_pretrained(draft)
quantize_dynamic(
    draft / "model.onnx",
    draft / "model_quantized.onnx",
    per_channel=True,
    weight_type=QuantType.QInt8,
)
(draft / "model.onnx").unlink()  # of several files the server would pick one
for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
    shutil.copyfile(source / name, draft / name)
draft.rename(target)
