"""What an exported model says of rows nobody trained on."""
