"""What runs in the process of a task, with that cluster's Python: the standard library alone."""
