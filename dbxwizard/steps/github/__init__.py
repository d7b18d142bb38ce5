"""The repository's settings, and what is published to it."""
