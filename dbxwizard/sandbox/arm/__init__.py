"""Azure Resource Manager, as the sandbox plays it."""
