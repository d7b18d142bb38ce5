"""A developer's machine beside an environment: set up, checked, and the way of its code to the cluster and back."""
