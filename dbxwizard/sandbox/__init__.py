"""The embedded cloud: a strict local Azure, Entra, GitHub and Databricks behind real HTTPS on 127.0.0.1.

It imports nothing from steps or clients: whatever the program sends, it sends through the unmodified SDKs.
docs/sandbox.md tells how it is built and what it plays.
"""
