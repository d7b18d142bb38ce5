"""What the jobs of a Databricks environment share."""
