"""Editing an environment file: its text and a form of its declared fields, in step. Knows no screen."""
