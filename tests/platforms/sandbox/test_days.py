"""Days pass, news is posted, faults strike, and a killed server loses nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
from datetime import date, timedelta

import pytest
import requests

from tests.platforms.sandbox.receiver import Receiver, wait_for
from tests.sandbox_server import Sandbox, serve, stop


@pytest.fixture(autouse=True)
def _healthy(live: Sandbox, listener: Receiver):
    listener.status = 200
    yield
    listener.status = 200
    live.faults()
    live.control("POST", "webhooks/on")
    # What the last test left in the outbox shall not arrive in the next one.
    wait_for(lambda: live.status()["waiting"]["webhooks"] == 0, 30)


def hooks(listener: Receiver) -> list[dict]:
    return [json.loads(body) for _, body in listener.at("/hook") if body]


def test_a_week_brings_every_kind_of_news_signed(live: Sandbox, listener: Receiver) -> None:
    today = date.fromisoformat(live.status()["today"])
    done = live.advance(7)
    assert done["today"] == str(today + timedelta(7))
    for name in ("AppointmentGroup.Created", "AppointmentGroup.Status", "Appointment.Completed"):
        assert done["events"][name] > 0
    total = sum(done["events"].values())
    wait_for(lambda: live.status()["waiting"]["webhooks"] == 0, 30)
    got = hooks(listener)
    assert len({hook["id"] for hook in got}) >= total
    headers, body = listener.at("/hook")[-1]
    wanted = hmac.new(live.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    given = headers["Zenoti-Webhook-Signature"]
    assert given.startswith("sha256 =")
    assert given == given[:8] + given[8:].upper()
    assert given.removeprefix("sha256 =").replace("-", "").lower() == wanted
    created = next(hook for hook in got if hook["event_type"] == "AppointmentGroup.Created")
    booking = created["data"]["appointments"][0]
    assert booking["start_time"] > booking["start_time_in_center"]  # UTC, west of Greenwich
    row = live.get(f"/v1/appointments/{booking['id']}").json()[0]
    assert row["start_time_utc"] == booking["start_time"]


def test_yesterdays_book_is_settled(live: Sandbox) -> None:
    live.advance(1)
    today = date.fromisoformat(live.status()["today"])
    for center in live.get("/v1/centers").json()["centers"]:
        rows = live.get(
            "/v1/appointments", center_id=center["id"], start_date=today - timedelta(7),
            end_date=today, include_no_show_cancel="true",
        ).json()  # fmt: skip
        assert {row["status"] for row in rows if row["guest"]} <= {1, -1, -2}


def test_refused_webhook_is_tried_again(live: Sandbox, listener: Receiver) -> None:
    listener.status = 500
    listener.received.clear()
    live.advance(1)
    wait_for(lambda: listener.received)
    listener.status = 204
    wait_for(lambda: live.status()["waiting"]["webhooks"] == 0, 30)


def test_twenty_failures_in_a_row_switch_the_webhook_off(live: Sandbox, listener: Receiver) -> None:
    listener.status = 500
    live.advance(3)
    wait_for(lambda: live.status()["webhook"]["off"], 30)
    live.control("POST", "webhooks/on")
    assert not live.status()["webhook"]["off"]


def test_ping_is_empty_and_unsigned(live: Sandbox, listener: Receiver) -> None:
    listener.received.clear()
    assert live.control("POST", "webhooks/ping")["status"] == 200
    headers, body = listener.at("/hook")[-1]
    assert body == b""
    assert "Zenoti-Webhook-Signature" not in headers


def test_lost_and_duplicate_webhooks(live: Sandbox, listener: Receiver) -> None:
    listener.received.clear()
    live.faults(webhook_lost=0.999999)
    live.advance(1)
    wait_for(lambda: live.status()["waiting"]["webhooks"] == 0)
    assert hooks(listener) == []
    live.faults(webhook_duplicate=0.999999)
    events = live.advance(1)["events"]
    wait_for(lambda: live.status()["waiting"]["webhooks"] == 0)
    wait_for(lambda: len(hooks(listener)) == 2 * sum(events.values()))


def test_read_faults(live: Sandbox) -> None:
    live.faults(http_429=1)
    throttled = live.get("/v1/centers")
    assert throttled.status_code == 429
    assert int(throttled.headers["Retry-After"]) >= 1
    assert live.get("/v1/centers").ok  # a count is used up

    live.faults(http_500=1)
    assert live.get("/v1/centers").json()["Error"]["StatusCode"] == 500
    live.faults(hang_before=1)
    with pytest.raises(requests.ConnectionError):
        live.get("/v1/centers")
    center = live.get("/v1/centers").json()["centers"][0]["id"]
    whole = live.get("/v1/guests", center_id=center, size=10, page=2).json()
    live.faults(short_page=1)
    short = live.get("/v1/guests", center_id=center, size=10, page=2).json()
    assert len(short["guests"]) < len(whole["guests"])
    assert short["page_Info"] == whole["page_Info"]
    live.faults(repeated_page=1)
    again = live.get("/v1/guests", center_id=center, size=10, page=2).json()
    assert again["guests"] == live.get("/v1/guests", center_id=center, size=10).json()["guests"]
    assert again["page_Info"]["page"] == 2
    live.faults(truncated_body=1)
    with pytest.raises(requests.JSONDecodeError):
        live.get("/v1/guests", center_id=center).json()


def test_poison_stays_on_one_record(live: Sandbox) -> None:
    center = live.get("/v1/centers").json()["centers"][0]["id"]
    live.faults(bad_date=1, unknown_status=1)
    rows = live.get(f"/v1/centers/{center}/members", size=50).json()["members"]
    bad = [row for row in rows if row["start_date"] == "2026-13-45T99:99:99"]
    assert len(bad) == 1
    assert bad[0]["status"] == "Galactic"
    live.faults(missing_id=1)
    rows = live.get(f"/v1/centers/{center}/members", size=50).json()["members"]
    assert sum("id" not in row for row in rows) == 1
    live.faults(broken_encoding=1)
    with pytest.raises(UnicodeDecodeError):
        live.get(f"/v1/centers/{center}/members").content.decode()


def test_unknown_fault_is_named(live: Sandbox) -> None:
    answer = requests.post(
        f"{live.url}/_sandbox/faults", json={"gremlins": 1},
        headers={"X-Sandbox-Token": live.control_token}, timeout=10,
    )  # fmt: skip
    assert answer.status_code == 422
    assert "http_500" in answer.json()["error"]
    assert requests.get(f"{live.url}/_sandbox/status", timeout=10).status_code == 401


def test_oracle_knows_what_the_wire_hides(live: Sandbox) -> None:
    body = live.control("GET", "oracle/members?format=json&size=1000")
    assert body["rows"]
    for row in body["rows"]:
        assert 0 <= row["p_voluntary_30"] <= row["p_churn_30"] <= row["p_churn_60"] <= 1
        lift = row["p_contacted_30"] - row["p_voluntary_30"]
        assert lift <= 0 if row["response"] == "persuadable" else lift >= 0
        assert 0 <= row["p_ends_60"] <= 1
    rows = live.control("GET", "oracle/bookings?format=json&size=1000")["rows"]
    assert rows
    for row in rows:
        # A booking that still stands is less likely to be cancelled than when it was made.
        assert 0 <= row["p_cancel"] <= row["p_cancel_booked"]
        assert row["p_no_show"] >= row["p_no_show_booked"]
    text = requests.get(
        f"{live.url}/_sandbox/oracle/bookings", headers={"X-Sandbox-Token": live.control_token},
        timeout=30,
    ).text  # fmt: skip
    assert text.startswith("appointment_id,guest_id")
    assert len(live.control("GET", "oracle/ended?format=json&size=10")["rows"]) > 0


def test_killed_server_goes_on_where_it_was(live: Sandbox, listener: Receiver) -> None:
    listener.status = 500
    listener.received.clear()
    port = int(live.url.rsplit(":", 1)[1])
    live.faults(webhook_late=0.999999, webhook_late_seconds=3)
    live.advance(1)
    before = live.status()
    live.process.send_signal(signal.SIGKILL)
    live.process.wait()
    listener.status = 200

    def is_down() -> bool:
        try:
            requests.get(live.url + "/healthz", timeout=2)
        except requests.ConnectionError:
            return True
        return False

    wait_for(is_down)
    again = serve(live.environment, port)
    try:
        after = again.status()
        assert after["today"] == before["today"]
        assert after["counts"] == before["counts"]
        again.faults()
        wait_for(lambda: again.status()["waiting"]["webhooks"] == 0, 30)
        assert hooks(listener)
    finally:
        stop(again)
        # The package's server is the one that answers from now on.
        live.process = serve(live.environment, port).process
