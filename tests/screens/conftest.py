"""Backends on projects at the stages of the road, and the pictures of before."""

from tests.hosts import host, host_deployed, host_set_up  # noqa: F401  fixtures
from tests.screens.pictures import compare  # noqa: F401
