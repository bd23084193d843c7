"""`make manage CMD="..."`: a management command with the settings of the Tenure in `.local`."""

from __future__ import annotations

import os
import sys

from config.local.home import ROOT, Home


def main(arguments: list[str]) -> int:
    """Become the command; returns only when there is no Tenure to ask."""
    values = Home.default().read_environment()
    if values:
        os.environ.update(values)
        os.execv(sys.executable, [sys.executable, str(ROOT / "manage.py"), *arguments])  # noqa: S606
    print("No demo has been started here yet: start it with `make demo`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
