"""Entra sign-in, as the sandbox plays it."""
