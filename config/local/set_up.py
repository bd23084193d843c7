"""Makes the environment `.venv` from a hashed lock. Needs nothing but Python and pip.

`python3 config/local/set_up.py run` for running, `dev` for the tests as well, `bench` for the
libraries the benchmarks compare with on top. A second call is free while the lock is unchanged.
Runs before any package exists, so only the standard library is imported here, and nothing of this
project.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
STAMP = VENV / "tenure.lock-hash"
OLDEST_PYTHON = (3, 11)


class SetUpError(Exception):
    """The environment cannot be made; the message says what is missing and what to do."""


def main(arguments: list[str]) -> int:
    if arguments not in (["run"], ["dev"], ["bench"]):
        print("Usage: set_up.py run|dev|bench", file=sys.stderr)
        return 2
    try:
        if arguments == ["bench"]:
            make_environment("dev")
            add_rivals()
        else:
            make_environment(arguments[0])
    except SetUpError as error:
        print(f"Set-up stopped: {error}", file=sys.stderr)
        return 1
    return 0


def make_environment(kind: str) -> None:
    """Bring `.venv` to `requirements/<kind>.lock`. Raises SetUpError."""
    if sys.version_info < OLDEST_PYTHON:
        raise SetUpError(
            f"this is Python {sys.version.split()[0]}, Tenure needs 3.11 or newer. Install one and "
            "name it: `make env PYTHON=python3.12`."
        )
    # The environment of the tests contains the one for running: never take packages away again.
    if kind == "run" and _stamp() == _fingerprint("dev"):
        return
    if _stamp().startswith("dev "):
        kind = "dev"
    if _stamp() == _fingerprint(kind) and _works():
        return
    started = time.monotonic()
    settings = _network_settings()
    uv = _bootstrap(settings)
    lock = ROOT / "requirements" / f"{kind}.lock"
    print(f"Environment: installing requirements/{kind}.lock ...", flush=True)
    STAMP.unlink(missing_ok=True)
    if not _works():
        _run(
            [uv, "venv", "--quiet", "--clear", "--no-python-downloads", "--python", sys.executable,
             str(VENV)],
            settings,
            "the environment could not be created",
        )  # fmt: skip
    _run(
        [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(_python()), str(lock)],
        settings,
        "the packages could not be installed. Is the package registry reachable? Behind a mirror, "
        "set UV_DEFAULT_INDEX; behind a proxy that inspects TLS, set SSL_CERT_FILE",
    )
    STAMP.write_text(_fingerprint(kind))
    print(f"Environment: ready in {time.monotonic() - started:.1f} s", flush=True)


def add_rivals() -> None:
    """Add the libraries the engine is measured against. Raises SetUpError."""
    lock = ROOT / "requirements" / "bench.lock"
    mark = VENV / "tenure.bench-hash"
    # Bringing the environment up to date takes them away, so its stamp belongs to the mark.
    wanted = f"{_fingerprint('bench')} {_stamp()}"
    if mark.exists() and mark.read_text() == wanted:
        return
    settings = _network_settings()
    uv = _bootstrap(settings)
    print("Environment: adding requirements/bench.lock ...", flush=True)
    _run(
        [uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(_python()),
         "-r", str(lock)],
        settings,
        "the libraries to compare with could not be installed. Is the package registry reachable?",
    )  # fmt: skip
    mark.write_text(wanted)


def _bootstrap(settings: dict[str, str]) -> str:
    """The path of uv, installed beside the project at first use."""
    uv = TOOLS / "bin" / "uv"
    lock = ROOT / "requirements" / "tools.lock"
    mark = TOOLS / "lock-hash"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if uv.exists() and mark.exists() and mark.read_text() == digest:
        return str(uv)
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode:
        raise SetUpError(
            "pip is missing for this Python. Install it (Debian, Ubuntu: `apt install "
            "python3-pip`; elsewhere: `python3 -m ensurepip --user`) and start again."
        )
    print("Environment: fetching the installer ...", flush=True)
    _run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-warn-script-location", "--upgrade", "--require-hashes", "--only-binary", ":all:",
         "--target", str(TOOLS), "-r", str(lock)],
        settings,
        "the installer (uv) could not be fetched by pip. Is the package registry reachable?",
    )  # fmt: skip
    mark.write_text(digest)
    return str(uv)


def _network_settings() -> dict[str, str]:
    """The environment for pip and uv: uv does not read pip's settings, so hand them over."""
    settings = dict(os.environ)
    settings.pop("PYTHONPATH", None)
    settings.pop("VIRTUAL_ENV", None)
    configured = _pip_settings()
    certificates = settings.get("PIP_CERT") or configured.get("cert", "")
    if not certificates:
        certificates = ssl.get_default_verify_paths().cafile or ""
    if certificates:
        settings.setdefault("SSL_CERT_FILE", certificates)
    index = settings.get("PIP_INDEX_URL") or configured.get("index-url", "")
    if index:
        settings.setdefault("UV_DEFAULT_INDEX", index)
    home = Path(settings.get("HOME") or "/nonexistent")
    if "UV_CACHE_DIR" not in settings and not os.access(home, os.W_OK):
        settings["UV_CACHE_DIR"] = str(TOOLS / "cache")
    # A cache on another disk cannot be linked from; copying is then right and not worth a warning.
    settings.setdefault("UV_LINK_MODE", "hardlink" if _same_disk(home) else "copy")
    return settings


def _pip_settings() -> dict[str, str]:
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True
    ).stdout
    found: dict[str, str] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        found[name.rsplit(".", 1)[-1]] = value.strip("'\"")
    return found


def _same_disk(home: Path) -> bool:
    return home.exists() and home.stat().st_dev == ROOT.stat().st_dev


def _run(command: list[str], settings: dict[str, str], failure: str) -> None:
    done = subprocess.run(command, env=settings, capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise SetUpError(f"{failure}.\n{done.stdout}{done.stderr}".rstrip())


def _python() -> Path:
    return VENV / "bin" / "python"


def _works() -> bool:
    """Whether the environment's interpreter is there and runs (its base may have gone away)."""
    if not _python().exists():
        return False
    probe = subprocess.run([str(_python()), "-c", "import encodings"], capture_output=True)
    return probe.returncode == 0


def _stamp() -> str:
    return STAMP.read_text() if STAMP.exists() else ""


def _fingerprint(kind: str) -> str:
    lock = ROOT / "requirements" / f"{kind}.lock"
    # The folder belongs to it: an environment does not survive being moved.
    digest = hashlib.sha256(lock.read_bytes() + str(ROOT).encode()).hexdigest()
    return f"{kind} {digest}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
