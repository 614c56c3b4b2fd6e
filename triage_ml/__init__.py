"""ML-assisted content triage: score reports, order them, and keep the reason why."""

__version__ = "0.1.0"
