"""Template deployments: validation, what-if, and runs that go on by themselves, a resource at a time."""
