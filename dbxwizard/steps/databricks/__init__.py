"""What lives in a workspace: who is in it and may what, clusters, wheels, jobs, folders, secrets."""
