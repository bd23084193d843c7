"""Asks this machine's own web server whether it is well: exit code 0 or 1.

`python config/probe.py` as a container's health check. Standard library only: it runs often.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request


def main() -> int:
    # The server answers only to its own names.
    first = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    host = first if first not in ("", "*") else "127.0.0.1"
    address = os.environ.get("PROBE_URL", "http://127.0.0.1:8000/healthz")
    request = urllib.request.Request(address, headers={"Host": host})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=4) as answer:  # noqa: S310
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
