"""Runs the steps of a job as a Linux runner does: docs.github.com/actions/reference/workflows-and-actions.

`job.run_job` knows no store and no HTTP: it is given all that it needs, and tells what happens to a `Listener`.
"""
