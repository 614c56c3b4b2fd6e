"""The card, the artifact, and the registry of versions."""
