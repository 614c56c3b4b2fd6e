"""Steps from labelled corpora to a served model."""
