"""Run a command beside a PostgreSQL and a Redis-protocol server of its own, gone afterwards.

`python -m config.local.with_servers COMMAND ...` sets DATABASE_URL and REDIS_URL for the command.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from config.local import servers


def main(command: list[str]) -> int:
    with TemporaryDirectory(prefix="tenure-servers-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # the fallback user of PostgreSQL must reach its folder
        running: list[servers.Server] = []
        try:
            postgres = servers.start_postgres(home / "postgres", durable=False)
            running.append(postgres)
            valkey = servers.start_valkey(home / "valkey", durable=False)
            running.append(valkey)
            return subprocess.call(
                command,
                env={
                    "TENURE_ENV": "test",
                    **os.environ,
                    "DATABASE_URL": servers.create_database(postgres, "tenure"),
                    "REDIS_URL": valkey.url,
                    "LEDGER_EXPORT_DIR": str(home / "ledger"),
                },
            )
        finally:
            for server in reversed(running):
                server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
