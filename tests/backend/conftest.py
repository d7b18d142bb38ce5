"""Backends on projects at the stages of the road."""

from tests.hosts import host, host_deployed, host_set_up  # noqa: F401  fixtures
