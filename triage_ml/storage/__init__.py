"""Cases in PostgreSQL: an embedded server by default, any external one by its URL."""
