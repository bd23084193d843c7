"""The command others run with their own table: `python -m benchmarks.risk`."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks import risk, risk_all
from risk.engine import task
from tests.risk.engine import tables


def written(folder: Path, declared: dict[str, Any], frame: pd.DataFrame) -> list[str]:
    """Arguments of a run over these files."""
    (folder / "task.toml").write_text("\n".join(_toml(declared)), encoding="utf-8")
    frame.to_csv(folder / "data.csv.gz", index=False)
    return ["--task", str(folder / "task.toml"), "--data", str(folder / "data.csv.gz")]


def _toml(declared: dict[str, Any], table: str = "") -> list[str]:
    def text(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key} = {text(one)}" for key, one in value.items()) + "}"
        return value.isoformat() if isinstance(value, date) else json.dumps(value)

    return [f"{name} = {text(value)}" for name, value in declared.items() if value is not None]


KINDS = {
    "events": (tables.appointments_task(), tables.appointments(800)),
    "log": (tables.purchases_task(split={"every_days": 100}), tables.purchases(150)),
    "table": (tables.members_task(), tables.members(500)),
}


@pytest.mark.parametrize(("declared", "frame"), KINDS.values(), ids=KINDS.keys())
def test_a_task_is_measured_at_every_cut_off(
    tmp_path: Path, declared: dict[str, Any], frame: pd.DataFrame
) -> None:
    out = tmp_path / "out.json"
    assert risk.main([*written(tmp_path, declared, frame), "--out", str(out), "--engine-only"]) == 0
    result = json.loads(out.read_text())
    (ours,) = (row for row in risk.headline(result) if row["slice"] == "all")
    assert ours["model"] == "Tenure"
    assert 0.52 < ours["auc"] < 0.99
    assert ours["log_loss"] < 0.69
    assert result["alarms"] == []
    assert result["inputs"]


def test_rivals_answer_for_the_same_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(risk.rivals, "missing", lambda: ["lightgbm", "xgboost", "catboost"])
    declared, frame = KINDS["table"]
    assert risk.main(written(tmp_path, declared, frame)) == 0
    told = capsys.readouterr()
    assert "lightgbm is not installed: its rows are left out" in told.err
    for model in ("Tenure", "base rate", "logistic", "HistGradientBoosting, small"):
        assert model in told.out
    assert "LightGBM" not in told.out


def test_an_experiment_is_judged_by_halves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert risk.main(written(tmp_path, tables.offers_task(), tables.offers(3_000))) == 0
    told = capsys.readouterr().out
    assert "verdicts of 2 halves: {'usable': 2}" in told
    assert "qini" in told


def test_a_table_with_a_leak_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = tables.members(500)
    frame["farewell"] = frame["left"]
    assert risk.main(written(tmp_path, tables.members_task(), frame)) == 2
    assert "farewell" in capsys.readouterr().err


def test_a_bad_task_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declared = tables.members_task(entity="nobody")
    assert risk.main(written(tmp_path, declared, tables.members(500))) == 2
    assert "no column 'nobody'" in capsys.readouterr().err


def test_a_number_too_good_to_be_true_raises_the_alarm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = tables.members_task(alarm_auc=0.51)
    arguments = written(tmp_path, declared, tables.members(500))
    assert risk.main([*arguments, "--engine-only"]) == 0
    assert "is above the alarm line 0.51: look for a leak" in capsys.readouterr().out


def test_every_public_task_is_declared() -> None:
    for name in risk_all.TASKS:
        assert task.read(risk_all.HERE / "tasks" / f"{name}.toml").name
