"""Serves the small program until a signal ends it. `python serve_small_app.py`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from dbxwizard.web.server import Settings, serve

if __name__ == "__main__":
    app = Path(__file__).with_name("small_app.py")
    settings = Settings(command=(sys.executable, str(app)), port=0)
    asyncio.run(serve(settings, announce=lambda line: print(line, flush=True), tell=print))
