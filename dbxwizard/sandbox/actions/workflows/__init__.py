"""Workflow files: docs.github.com/actions/reference/workflows-and-actions/workflow-syntax.

`reading.read_workflow` reads one file, `starting.started` says which runs and jobs an event starts.
"""
