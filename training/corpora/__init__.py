"""From public corpora to a snapshot with splits."""
