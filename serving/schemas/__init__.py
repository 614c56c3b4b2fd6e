"""What the API takes and gives. Requests are strict: an unknown field is an error."""
