"""Runs what jobs and one-time runs name: in a process of its own, with the libraries of its cluster."""
