"""What the jobs of a Databricks environment share: Spark and settings, telemetry, data steps, models.

Nothing here needs more than Python: Spark, scikit-learn, MLflow and Azure Monitor are loaded where they are used, and
each module says what it does without them.
"""
