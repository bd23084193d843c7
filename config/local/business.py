"""Let days pass in the demo: the business lives on, and Tenure's clock goes with it.

`make advance` (one day) or `make advance DAYS=7`, while `make demo` runs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

from config.local.home import ROOT, Home

# A day of the demo's business takes a fraction of a second; a long absence means many days.
ADVANCE_SECONDS = 300.0


class BusinessError(RuntimeError):
    """The demo's business could not be moved on; the message says why."""


def today(environment: dict[str, str], *, days: int = 0) -> str:
    """Put the clock into the business's daytime, `days` later; the date it stands at then."""
    done = subprocess.run(
        [sys.executable, "manage.py", "demo_clock", "--days", str(days)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BusinessError(f"The clock could not be moved: {done.stderr.strip()[-500:]}")
    return done.stdout.strip().splitlines()[-1]


def live_until(day: str, *, environment: dict[str, str]) -> int:
    """Let the business live to the end of the evening before `day` (YYYY-MM-DD). Returns how many
    events that brought. Raises BusinessError."""
    request = urllib.request.Request(  # noqa: S310  (an address of this machine's own making)
        f"{environment['PLATFORM_URL']}/_sandbox/advance",
        data=json.dumps({"to": day}).encode(),
        headers={
            "Content-Type": "application/json",
            "X-Sandbox-Token": environment["SANDBOX_CONTROL_TOKEN"],
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=ADVANCE_SECONDS) as response:  # noqa: S310
            return sum(json.load(response)["events"].values())
    except (urllib.error.URLError, TimeoutError) as error:
        raise BusinessError(f"The business did not move on: {error}") from error


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make advance", description=__doc__)
    parser.add_argument("--days", type=int, default=1)
    options = parser.parse_args(arguments)
    values = Home.default().read_environment()
    if not values:
        print("No demo has been started here yet: start it with `make demo`.", file=sys.stderr)
        return 1
    environment = {**os.environ, **values}
    try:
        day = today(environment, days=options.days)
        events = live_until(day, environment=environment)
    except BusinessError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"It is {day} now; {events} things happened. The night's work begins by itself.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
