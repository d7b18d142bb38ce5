"""Application Insights: the endpoint that takes telemetry, and the API that queries it."""
