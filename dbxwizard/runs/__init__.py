"""Workflow runs on GitHub: started, followed while they go on, and why they failed. Knows no terminal."""
