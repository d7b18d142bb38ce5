"""GitHub Actions in the sandbox: expressions, workflow files, and what an event starts."""
