"""What `triage` can do, a module for each group of commands."""
