"""The reviewers' desk: pages for people, over the same use cases as the API."""
