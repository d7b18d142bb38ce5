"""One module per service, thin, on the official SDK; the SDK's exceptions become the core's few errors here."""

import platform

# azure-core names the platform in its User-Agent, and Python asks `uname -p` for that: a process with all of our
# environment, secrets included. What it would say is put where Python keeps the answer.
vars(platform.uname())["processor"] = platform.machine()
