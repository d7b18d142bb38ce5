"""Workflow runs: records of what was started, the thread that runs them, and the API that shows them."""
