"""a Databricks workspace, as the sandbox plays it."""
