"""Azure's resources and roles: what the template wants, and who may what."""
