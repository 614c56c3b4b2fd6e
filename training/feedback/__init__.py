"""From decisions to examples that a model may learn from."""
