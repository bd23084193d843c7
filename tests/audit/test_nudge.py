"""A hint that cannot be given costs its sender nothing."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from audit.nudge import nudge, nudge_in_batches


def test_a_missing_broker_does_not_fail_the_sender(caplog: pytest.LogCaptureFixture) -> None:
    def away(**_: Any) -> None:
        raise OperationalError

    nudge(SimpleNamespace(name="some.task", apply_async=away), 1)
    assert "some.task was not nudged" in caplog.text


def test_a_missing_broker_keeps_nobody_waiting(settings: Any, caplog: Any) -> None:
    def work() -> None: ...

    app = Celery(broker="redis://127.0.0.1:1/0")
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    task = app.task(name="some.task")(work)
    nudge(task)  # the first call imports the transport
    begun = time.monotonic()
    nudge(task)
    assert time.monotonic() - begun < 4
    assert "some.task was not nudged" in caplog.text


def test_any_other_failure_is_not_hidden() -> None:
    def broken(**_: Any) -> None:
        raise TypeError("not JSON")

    with pytest.raises(TypeError):
        nudge(SimpleNamespace(name="some.task", apply_async=broken), object())


def test_many_ids_go_in_batches() -> None:
    seen: list[list[int]] = []
    task = SimpleNamespace(name="t", apply_async=lambda args, **_: seen.append(args[0]))
    nudge_in_batches(task, range(5), size=2)
    assert seen == [[0, 1], [2, 3], [4]]
