"""From a snapshot to an exported model."""
