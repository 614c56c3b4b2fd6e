"""Public doubles for tests of code that uses triage_ml.

`FixedClock`     a clock that stands still until it is set or advanced
`StubScorer`     a model of keywords; can fail, and can be held up to test deadlines
`StubDetector`   a language detector that knows given texts

`triage_ml.testing.artifacts.tiny_artifact` writes a real, tiny model folder. It is imported by
name because it needs the `onnx` package of the training extra.
"""

from triage_ml.testing.doubles import FixedClock, StubDetector, StubScorer

__all__ = ["FixedClock", "StubDetector", "StubScorer"]
