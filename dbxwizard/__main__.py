"""`dbxwizard` and `python -m dbxwizard`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs one command and leaves with its exit code."""
    from dbxwizard.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
