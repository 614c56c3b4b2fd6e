"""Probabilities in words, and which hints a reviewer should have seen."""

from triage_ml.domain.routing import LIKELY

SHOWN = 0.2
"""Hints under this are folded away; above it a reviewer should have seen them."""

LIKELIHOODS = ((0.9, "very_likely"), (LIKELY, "likely"), (SHOWN, "possible"), (0.05, "unlikely"))
"""The least probability of each word, highest first; what is under all is very unlikely."""


def likelihood(probability: float) -> str:
    """Name a probability; the last of the names is `very_unlikely`."""
    return next((name for floor, name in LIKELIHOODS if probability >= floor), "very_unlikely")
