"""Microsoft Graph, as the sandbox plays it."""
