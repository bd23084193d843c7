"""The phone preview: the script beside a text field counts as the server does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from outreach.texts.fields import GSM_BASIC, GSM_DOUBLE

SCRIPT = (Path(__file__).resolve().parents[2] / "static/js/phone.js").read_text()


def table(name: str) -> set[str]:
    found = re.search(rf'const {name} = new Set\((".*")\);', SCRIPT)
    assert found is not None
    return set(json.loads(found.group(1)))


def test_the_script_knows_the_same_alphabet() -> None:
    assert table("BASIC") == set(GSM_BASIC)
    assert table("DOUBLE") == set(GSM_DOUBLE)
