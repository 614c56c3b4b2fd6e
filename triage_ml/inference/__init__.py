"""A served model: its folder, its runtime, and language detection."""
