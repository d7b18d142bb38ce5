"""The package index from which the sandbox's jobs get dbxwizard itself."""
