"""A setting that is missing or wrong names itself and the remedy; production accepts no default."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "TENURE_ENV": "production",
    "SECRET_KEY": "Zk3u8sT1vQ9wX4yB7nM2cL6pR5dF0gHjKaSdPqWoEiRuTyMnBvCx",
    "LEDGER_SIGNING_KEY": "w9Xq4Lr2Vb8Tn6Kc1Zy5Hm3Jd7Gf0SaPoIuEwRtQyMnBvCxZlKj",
    "LEDGER_EXPORT_DIR": "/var/lib/tenure/ledger",
    "ALLOWED_HOSTS": "tenure.example.com",
    "PUBLIC_URL": "https://tenure.example.com",
    "DATABASE_URL": "postgres://tenure:secret@db.example.com:5432/tenure",
    "REDIS_URL": "rediss://:secret@redis.example.com:6379/0",
    "BUSINESS_NAME": "Juniper & Sage",
    "POSTAL_ADDRESS": "12 Alder Street, Portland",
    "PLATFORM_URL": "https://api.zenoti.example",
    "PLATFORM_API_KEY": "key",
    "PLATFORM_WEBHOOK_SECRETS": "secret",
    "SMS_URL": "https://api.carrier.example",
    "SMS_ACCOUNT": "AC1",
    "SMS_TOKEN": "token",
    "SMS_FROM": "+12025550100",
    "EMAIL_HOST": "smtp.example.com",
    "FROM_EMAIL": "hello@example.com",
}
WRONG = {
    "TENURE_ENV": "staging",
    "PUBLIC_URL": "http://tenure.example.com",
    "DATABASE_URL": "mysql://db/tenure",
    "REDIS_URL": "memory://",
    "PLATFORM_URL": "api.zenoti.example",
    "SECURE": "perhaps",
    "EMAIL_PORT": "smtp",
}
# Reads the settings once for each changed setting, in one process: Django itself is not set up.
READER = """
import importlib, json, os, runpy, sys
from django.core.exceptions import ImproperlyConfigured
base, cases, found = dict(os.environ), json.load(sys.stdin), {}
for case, changes in cases.items():
    os.environ.clear(); os.environ.update(base)
    for name, value in changes.items():
        os.environ.pop(name, None)
        if value is not None: os.environ[name] = value
    try:
        from config import env
        importlib.reload(env)
        runpy.run_path("config/settings.py")
        found[case] = "accepted"
    except ImproperlyConfigured as error:
        found[case] = str(error)
print(json.dumps(found))
"""


def clean(values: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore", **values}


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    """What the settings say for every production setting left out, and for the wrong ones."""
    cases: dict[str, dict[str, str | None]] = {
        f"without {name}": {name: None} for name in PRODUCTION if name != "TENURE_ENV"
    }
    cases |= {f"wrong {name}": {name: value} for name, value in WRONG.items()}
    cases["as it should be"] = {}
    done = subprocess.run(
        [sys.executable, "-c", READER],
        cwd=ROOT,
        env=clean(PRODUCTION),
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.skipif((ROOT / ".env").exists(), reason="this folder has settings of its own (.env)")
class TestProduction:
    def test_complete_settings_are_accepted(self, answers: dict[str, str]) -> None:
        assert answers["as it should be"] == "accepted"

    @pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "TENURE_ENV"])
    def test_a_missing_setting_names_itself_and_the_remedy(
        self, answers: dict[str, str], name: str
    ) -> None:
        said = answers[f"without {name}"]
        assert said.startswith(f"{name} is not set. Set it to "), said

    @pytest.mark.parametrize("name", WRONG)
    def test_a_wrong_setting_names_itself_and_the_remedy(
        self, answers: dict[str, str], name: str
    ) -> None:
        said = answers[f"wrong {name}"]
        assert said.startswith(f"{name} "), said
        assert len(said.split(". ")) >= 2, said

    def test_the_deployment_check_has_nothing_to_say(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
            cwd=ROOT,
            env=clean(PRODUCTION),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "no issues" in done.stdout + done.stderr


def test_every_setting_stands_in_the_sample_and_in_the_operators_table() -> None:
    asked = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "config/settings.py").read_text()))
    asked.add("TENURE_ENV")
    sample = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.sample").read_text(), re.MULTILINE))
    table = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docs/howto/operator.md").read_text()))
    assert sample - {"POSTGRES_PASSWORD", "APP_PASSWORD", "REDIS_PASSWORD"} == asked
    assert asked <= table
