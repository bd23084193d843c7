"""What can be written to the platform, with its refusals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.sandbox_server import Sandbox


@pytest.fixture
def center(live: Sandbox) -> str:
    first: str = live.get("/v1/centers").json()["centers"][0]["id"]
    return first


@pytest.fixture
def today(live: Sandbox) -> date:
    return date.fromisoformat(live.status()["today"])


def members(live: Sandbox, center: str, status: str = "Active") -> list[dict[str, Any]]:
    rows = live.rows(f"/v1/centers/{center}/members", "members", status=status)
    # Without the people of the stories: other tests look at them.
    return [
        row
        for row in rows
        if int(row["guest"]["code"][4:]) > 9 and row["recurrence_status"] == "Active"
    ]


def test_profile_update_wipes_what_it_leaves_out(live: Sandbox, center: str) -> None:
    guests = live.rows("/v1/guests", "guests", center_id=center)
    path = f"/v1/guests/{guests[-1]['id']}"
    whole = live.get(path, expand="tags,address_info").json()
    whole["tags"] = ["vip", "tenure-risk-high"]
    assert live.call("PUT", path, json=whole).ok
    assert live.get(path, expand="tags").json()["tags"] == ["vip", "tenure-risk-high"]
    assert "tags" not in live.get(path).json()
    found = live.get("/v1/guests/search", tags="tenure-risk-high").json()["guests"]
    assert [row["id"] for row in found] == [whole["id"]]
    careless = {"personal_info": {"first_name": "Only", "last_name": "Name"}}
    assert live.call("PUT", path, json=careless).ok
    wiped = live.get(path, expand="tags").json()
    assert wiped["tags"] == []
    assert wiped["personal_info"]["mobile_phone"] is None
    assert wiped["preferences"]["receive_marketing_sms"] is False
    assert live.call("PUT", path, json={"tags": ["x"]}).json()["error"]["code"] == 502


def test_freeze_unfreeze_cancel_and_their_codes(live: Sandbox, center: str, today: date) -> None:
    row = members(live, center)[0]
    guest = row["guest"]["id"]
    path = f"/v1/guests/{guest}/memberships/{row['id']}"
    window = {"start_date": str(today), "end_date": str(today + timedelta(30)), "type": 2}

    def now() -> dict[str, Any]:
        found = live.get(f"/v1/guests/{guest}/memberships", center_id=center, is_active=-1).json()
        return next(m for m in found["guest_memberships"] if m["user_membership_id"] == row["id"])

    before = now()["next_collection_date"]
    assert live.call("PUT", f"{path}/unfreeze").json()["error"]["code"] == 4081
    assert live.call("PUT", f"{path}/freeze", json=window).ok
    assert now()["status"] == 3
    assert now()["next_collection_date"] > before
    assert now()["recurring_details"]["paused_till"][:10] == window["end_date"]
    assert live.call("PUT", f"{path}/unfreeze").ok
    assert (now()["status"], now()["next_collection_date"]) == (1, before)
    reason = next(
        entry["reasonpk"]
        for entry in live.get("/v1/reasons").json()["reasons"]
        if entry["object_type"] == 0 and entry["action_type"] == 4
    )
    bad = {"cancellation_date": str(today), "termination_date": str(today)}
    assert live.call("PUT", f"{path}/cancel", json=bad).json()["error"]["code"] == 502
    good = {
        "cancellation_date": str(today), "termination_date": str(today + timedelta(2)),
        "cancel_reason_id": reason,
    }  # fmt: skip
    assert live.call("PUT", f"{path}/cancel", json=good).ok
    assert now()["status"] == 1
    assert now()["recurring_details"]["termination_date"][:10] == good["termination_date"]
    assert live.call("PUT", f"{path}/cancel", json=good).json()["error"]["code"] == 4077
    live.advance(3)
    assert now()["status"] == 4


def test_sale_is_opened_paid_and_closed(live: Sandbox, center: str) -> None:
    plans = live.get(f"/v1/centers/{center}/memberships").json()["memberships"]
    guests = live.rows("/v1/guests", "guests", center_id=center)
    guest, plan = guests[-2]["id"], plans[0]

    def held() -> dict[str, Any]:
        answer = live.get(f"/v1/guests/{guest}/memberships", center_id=center).json()
        return {row["user_membership_id"]: row for row in answer["guest_memberships"]}

    before = held()
    sale = {"center_id": center, "user_id": guest, "membership_ids": plan["id"]}
    invoice = live.call("POST", "/v1/invoices/memberships", json=sale).json()["invoice_id"]
    path = f"/v1/invoices/{invoice}"
    assert live.call("POST", f"{path}/close", json={}).json()["Error"]["StatusCode"] == 419
    page = live.call(
        "POST", f"{path}/online_payments", json={"center_id": center, "amount": plan["price"]}
    ).json()
    assert page["hosted_payment_uri"]
    paid = {"center_id": center, "amount": plan["price"], "account_id": "card-1"}
    assert live.call("POST", f"{path}/online_payments", json=paid).ok
    over = {"amount": 1, "custom_payment_id": "cash"}
    assert live.get(path).json()["invoice"]["invoice_dues"]["amount"] == 0
    assert live.call("POST", f"{path}/close", json={}).json()["is_invoice_closed"] is True
    after = held()
    (bought,) = (row for key, row in after.items() if key not in before)
    assert bought["membership"]["id"] == plan["id"]
    assert len(bought["historical_invoices"]) == 1
    assert live.call("POST", f"{path}/close", json={}).ok  # closing twice sells once
    assert held().keys() == after.keys()
    other = live.call("POST", "/v1/invoices/memberships", json=sale).json()["invoice_id"]
    assert live.call("POST", f"/v1/invoices/{other}/online_payments", json=paid).ok
    assert live.call("POST", f"/v1/invoices/{other}/payment/custom", json=over).ok
    closed = live.call("POST", f"/v1/invoices/{other}/close", json={})
    assert closed.json()["Error"]["StatusCode"] == 459


def test_notes_and_follow_ups(live: Sandbox, center: str) -> None:
    guest = live.rows("/v1/guests", "guests", center_id=center)[-3]["id"]
    path = f"/v1/guests/{guest}/notes"
    note = {"notes": "Call before Friday", "note_type": 2, "is_private": True, "alert": True}
    made = live.call("POST", path, json=note).json()["note"]
    assert live.get(path).json()["notes"] == []
    shown = live.get(path, view_private="true").json()["notes"]
    assert (shown[0]["notes"], shown[0]["alert"]) == ("Call before Friday", True)
    assert live.call("PUT", f"{path}/{made['id']}", json={"notes": "Done"}).ok
    assert live.get(path).json()["notes"][0]["notes"] == "Done"
    assert live.call("DELETE", f"{path}/{made['id']}").ok
    assert live.call("DELETE", f"{path}/{made['id']}").status_code == 404
    lead = {"center_id": center, "guest_id": guest, "opportunity_title": "At risk"}
    answer = live.call("POST", "/v1/opportunities", json=lead).json()
    assert answer["opportunity"]["opportunity_id"]


def test_review_once(live: Sandbox, center: str, today: date) -> None:
    rows = live.get(
        "/v1/appointments", center_id=center, start_date=today - timedelta(7), end_date=today
    ).json()
    booking = next(
        row
        for row in rows
        if row["guest"] and row["status"] == 1 and not row["is_feedback_filled"]
        and not row["service"]["is_addon"]
    )  # fmt: skip
    path = f"/v1/appointments/{booking['appointment_group_id']}/feedbacks"
    words = {"rating": 2, "comments": "Zu kalt."}
    assert live.call("POST", path, json=words).ok
    assert live.call("POST", path, json=words).json()["error"]["code"] == 4020
    assert live.get(f"/v1/appointments/{booking['appointment_id']}").json()[0]["is_feedback_filled"]
    found = live.rows(
        f"/v1/centers/{center}/feedbacks", "feedbacks", start_date=today,
        end_date=today + timedelta(2),
    )  # fmt: skip
    assert "Zu kalt." in [row["comments"] for row in found]


def test_waitlist_takes_and_gives_back_a_wish(live: Sandbox, center: str, today: date) -> None:
    guest = live.rows("/v1/guests", "guests", center_id=center)[-4]["id"]
    service = live.get(f"/v1/centers/{center}/services").json()["services"][0]["id"]
    wish = {
        "guest_info": {"guest_id": guest},
        "services_info": [{"service_id": service}],
        "date_ranges": [{"start_date": str(today), "end_date": str(today + timedelta(9))}],
    }
    path = f"/v2/centers/{center}/waitlist"
    made = live.call("POST", path, json=wish).json()["waitlist"][0]["waitlist_group_id"]
    newest = live.get(path, size=1).json()["waitlist"][0]
    assert (newest["waitlist_group_id"], newest["status"]) == (made, "Open")
    assert live.call("DELETE", f"{path}/{made}").ok
    assert live.get(path, size=1).json()["waitlist"][0]["status"] == "Removed"


def test_booking_is_cancelled_once(live: Sandbox, center: str, today: date) -> None:
    rows = live.get(
        "/v1/appointments", center_id=center, start_date=today, end_date=today + timedelta(7)
    ).json()
    booking = next(row for row in rows if row["guest"] and row["status"] in (0, 4))
    path = f"/v1/invoices/{booking['invoice_id']}/cancel"
    assert live.call("PUT", path, json={"comments": "asked by phone"}).json()["success"] is True
    assert live.get(f"/v1/appointments/{booking['appointment_id']}").json()[0]["status"] == -1
    assert live.call("PUT", path).status_code == 400
