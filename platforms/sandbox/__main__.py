"""Commands of the sandbox: `python -m platforms.sandbox generate | serve | advance | digest`."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, date, datetime

import psycopg

from platforms.sandbox import store
from platforms.sandbox.days import to_day
from platforms.sandbox.environment import MissingSettingError, environment
from platforms.sandbox.store import NoBusinessError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (MissingSettingError, NoBusinessError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except psycopg.OperationalError as error:
        sys.stderr.write(f"The database of the sandbox (SANDBOX_DATABASE_URL) fails: {error}\n")
        return 2


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _generate(options: argparse.Namespace) -> None:
    from platforms.sandbox.generate import generate

    began = time.monotonic()
    counts = generate(
        environment().database_url, seed=options.seed, locations=options.locations,
        guests=options.guests, months=options.months, today=to_day(options.today), say=_say,
    )  # fmt: skip
    numbers = ", ".join(f"{count:,} {table}" for table, count in counts.items())
    _say(f"{numbers} in {time.monotonic() - began:.1f} s")


def _serve(options: argparse.Namespace) -> None:
    from platforms.sandbox.server import serve

    store.check_business(environment().database_url)
    serve(f"{options.host}:{options.port}")


def _advance(options: argparse.Namespace) -> None:
    from platforms.sandbox.advance import advance
    from platforms.sandbox.days import from_day

    settings = environment()
    done = advance(settings.database_url, days=options.days, webhooks=bool(settings.webhook_url))
    numbers = ", ".join(f"{count:,} {name}" for name, count in sorted(done["events"].items()))
    _say(f"It is {from_day(done['today'])}: {numbers}")


def _digest(options: argparse.Namespace) -> None:
    from platforms.sandbox.generate import DIGEST_TABLES

    with store.connect(environment().database_url) as connection:
        _say(store.digest(connection, DIGEST_TABLES))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m platforms.sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    make = commands.add_parser("generate", help="replace the business by a new one")
    make.add_argument("--seed", type=int, default=7)
    make.add_argument("--locations", type=int, default=3)
    make.add_argument("--guests", type=int, default=1500)
    make.add_argument("--months", type=int, default=24)
    make.add_argument(
        "--today", type=date.fromisoformat, default=datetime.now(UTC).date(),
        help="the business is alive up to this date (default: today)",
    )  # fmt: skip
    make.set_defaults(run=_generate)

    serve = commands.add_parser("serve", help="answer over HTTP")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=9100)
    serve.set_defaults(run=_serve)

    days = commands.add_parser("advance", help="let days pass (or POST /_sandbox/advance)")
    days.add_argument("--days", type=int, default=1)
    days.set_defaults(run=_advance)

    digest = commands.add_parser("digest", help="a hash over the whole business")
    digest.set_defaults(run=_digest)
    return parser


if __name__ == "__main__":
    sys.exit(main())
