#!/usr/bin/env bash
# The browser that tests/web drives. Where it can't be installed those tests are skipped, with the reason.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "Chromium is missing; as root, on Debian: apt-get install chromium. The browser's tests are skipped."
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null 2>&1; then
    echo "Chromium can't be installed here. The browser's tests are skipped."
fi
