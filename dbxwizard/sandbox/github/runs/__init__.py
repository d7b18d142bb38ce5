"""Workflow runs: records of what was started, the threads that carry them out, and the API that shows them."""
