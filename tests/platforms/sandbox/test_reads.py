"""The wire as Zenoti's users meet it: shapes, limits and traps."""

from __future__ import annotations

from datetime import date, timedelta

import requests

from config.local.servers import free_port
from tests.sandbox_server import TODAY, Sandbox, serve, stop

TODAY_ON = date.fromisoformat(TODAY)


def center_ids(sandbox: Sandbox) -> list[str]:
    return [row["id"] for row in sandbox.get("/v1/centers").json()["centers"]]


def test_wrong_key_is_refused_in_plain_words(sandbox: Sandbox) -> None:
    for header in ("", "apikey wrong", f"Bearer {sandbox.api_key}", f"APIKEY {sandbox.api_key}"):
        answer = requests.get(
            sandbox.url + "/v1/centers", headers={"Authorization": header}, timeout=10
        )
        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("text/plain")
        assert "Organization-RateLimit-Limit" in answer.headers


def test_guest_list_spells_page_info_with_a_capital(sandbox: Sandbox) -> None:
    first = center_ids(sandbox)[0]
    body = sandbox.get("/v1/guests", center_id=first, size=7, page=2).json()
    assert "page_info" not in body
    assert body["page_Info"]["page"] == 2
    assert len(body["guests"]) == 7
    everyone = sandbox.rows("/v1/guests", "guests", center_id=first)
    assert len({row["id"] for row in everyone}) == body["page_Info"]["total"]


def test_pages_beyond_a_hundred_are_refused_with_a_flat_error(sandbox: Sandbox) -> None:
    answer = sandbox.get("/v1/guests", center_id=center_ids(sandbox)[0], size=101)
    assert answer.status_code == 422
    assert answer.json()["code"] == 422


def test_member_rows_carry_words_and_guest_memberships_carry_numbers(sandbox: Sandbox) -> None:
    center = center_ids(sandbox)[0]
    rows = sandbox.rows(f"/v1/centers/{center}/members", "members")
    active = next(row for row in rows if row["status"] == "Active")
    guest = active["guest"]["id"]
    refused = sandbox.get(f"/v1/guests/{guest}/memberships")
    assert refused.status_code == 401
    assert refused.json()["error"]["message"] == "Invalid Center"
    body = sandbox.get(f"/v1/guests/{guest}/memberships", center_id=center, is_active=-1).json()
    same = {row["user_membership_id"]: row for row in body["guest_memberships"]}[active["id"]]
    assert same["status"] == 1
    assert "start_date" not in same
    if same["services"]:
        line = same["services"][0]
        assert line["frequncy"] == "Any"
        assert line["balance"] == line["total"] - line["used"] - line["expired"]
        assert line["balance"] == active["services_amount"]


def test_book_is_a_bare_array_of_at_most_seven_days(sandbox: Sandbox) -> None:
    center = center_ids(sandbox)[0]
    window = {"center_id": center, "start_date": TODAY_ON - timedelta(7), "end_date": TODAY_ON}
    rows = sandbox.get("/v1/appointments", include_no_show_cancel="true", **window).json()
    assert isinstance(rows, list)
    days = {row["start_time"][:10] for row in rows}
    assert max(days) < TODAY
    blockouts = [row for row in rows if row["blockout"]]
    assert blockouts
    assert all(row["guest"] is None for row in blockouts)
    too_long = {**window, "start_date": TODAY_ON - timedelta(8)}
    refused = sandbox.get("/v1/appointments", **too_long)
    assert refused.json()["error"]["code"] == 502
    empty = {**window, "end_date": window["start_date"]}
    assert sandbox.get("/v1/appointments", **empty).status_code == 400


def test_cancelled_rows_come_only_on_request(sandbox: Sandbox) -> None:
    center = center_ids(sandbox)[0]
    statuses = {"": set(), "true": set()}
    for asked, found in statuses.items():
        for week in range(1, 9):
            start = TODAY_ON - timedelta(7 * week)
            rows = sandbox.get(
                "/v1/appointments", center_id=center, start_date=start,
                end_date=start + timedelta(7), include_no_show_cancel=asked,
            ).json()  # fmt: skip
            found |= {row["status"] for row in rows}
    assert -1 in statuses["true"]
    assert not {-1, -2} & statuses[""]


def test_local_time_and_its_utc_twin_differ_by_the_zone(sandbox: Sandbox) -> None:
    zones = {
        row["id"]: row["location"]["time_zone"]["name"]
        for row in sandbox.get("/v1/centers").json()["centers"]
    }
    center = next(key for key, zone in zones.items() if zone == "America/Chicago")
    rows = sandbox.get(
        "/v1/appointments", center_id=center, start_date=TODAY_ON - timedelta(3),
        end_date=TODAY_ON,
    ).json()  # fmt: skip
    booking = next(row for row in rows if row["guest"])
    assert int(booking["start_time_utc"][11:13]) - int(booking["start_time"][11:13]) in (6, -18)


def test_collections_tell_paid_from_failed(sandbox: Sandbox) -> None:
    body = {
        "centers": {"is_all": True, "ids": []},
        "start_date": str(TODAY_ON - timedelta(365)),
        "end_date": TODAY,
        "item_types": ["Membership"],
    }
    answer = sandbox.call("POST", "/v1/reports/collections/flat_file?size=1000", json=body)
    rows = answer.json()["collections"]
    assert rows
    for row in rows:
        paid = row["invoice_status"] == "Closed"
        assert (row["due"] == 0) == paid
        assert (row["closed_date"] is None) == (not paid)


def test_foreign_and_broken_ids_are_not_found(sandbox: Sandbox) -> None:
    assert sandbox.get("/v1/guests/not-a-guid").status_code == 404
    assert sandbox.get("/v1/clients/1").json()["Error"]["StatusCode"] == 404


def test_sixty_first_call_of_a_minute_is_throttled(sandbox: Sandbox) -> None:
    slow = serve(
        {**sandbox.environment, "SANDBOX_RATE_PER_MINUTE": "6", "SANDBOX_SMTP_PORT": "0"},
        free_port(),
    )
    try:
        answers = [slow.get("/v1/centers") for _ in range(7)]
    finally:
        stop(slow)
    assert [answer.status_code for answer in answers] == [200] * 6 + [429]
    assert int(answers[-1].headers["Retry-After"]) == 10
    assert answers[0].headers["Organization-RateLimit-Limit"] == "6;w=60;b=6"
    left = [int(answer.headers["RateLimit-Remaining"]) for answer in answers]
    assert left == [5, 4, 3, 2, 1, 0, 0]


def test_token_is_another_way_in(sandbox: Sandbox) -> None:
    body = {"grant_type": "password", "app_secret": sandbox.api_key}
    credentials = requests.post(sandbox.url + "/v1/tokens", json=body, timeout=10).json()
    header = {"Authorization": f"bearer {credentials['credentials']['access_token']}"}
    assert requests.get(sandbox.url + "/v1/centers", headers=header, timeout=10).ok
