"""Key Vault's data plane, as the sandbox plays it."""
