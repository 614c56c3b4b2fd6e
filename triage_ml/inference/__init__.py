"""A served model: its folder, its runtime, and language detection."""

import os

# ONNX Runtime reports on the machine it runs on unless this is set before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
