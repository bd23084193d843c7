"""The people a newcomer can look up in the demo live as their stories say."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.sandbox_server import TODAY, Sandbox

TODAY_ON = date.fromisoformat(TODAY)


@pytest.fixture(scope="module")
def cast(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """The guests with a story by first name, with memberships and visits."""
    names = {
        "Morales", "Archer", "Weiss", "Patel", "Reyes", "Ward", "Lowe", "Stark", "Tran"
    }  # fmt: skip
    found: dict[str, dict[str, Any]] = {}
    for center in sandbox.get("/v1/centers").json()["centers"]:
        for guest in sandbox.rows("/v1/guests", "guests", center_id=center["id"]):
            person = guest["personal_info"]
            if int(guest["code"][4:]) > 9 or person["last_name"] not in names:
                continue
            memberships = sandbox.get(
                f"/v1/guests/{guest['id']}/memberships", center_id=center["id"], is_active=-1
            ).json()["guest_memberships"]
            groups = sandbox.get(f"/v1/guests/{guest['id']}/appointments", size=100).json()
            services = [
                row for group in groups["appointments"] for row in group["appointment_services"]
            ]
            guest["memberships"] = memberships
            guest["visits"] = [
                date.fromisoformat(row["start_time"][:10])
                for row in services
                if row["appointment_status"] == 1
            ]
            found[person["first_name"]] = guest
    return found


def test_ana_came_often_and_has_not_been_seen_for_two_months(cast: dict) -> None:
    visits = sorted(cast["Ana"]["visits"])
    assert len(visits) > 5
    assert timedelta(55) < TODAY_ON - visits[-1] < timedelta(110)
    assert cast["Ana"]["memberships"][0]["status"] == 1


def test_ben_has_two_failed_card_payments(sandbox: Sandbox, cast: dict) -> None:
    body = {
        "centers": {"is_all": True}, "start_date": str(TODAY_ON - timedelta(20)),
        "end_date": TODAY, "item_types": ["Membership"],
    }  # fmt: skip
    rows = sandbox.call("POST", "/v1/reports/collections/flat_file?size=1000", json=body).json()
    [failed] = [
        row
        for row in rows["collections"]
        if row["guest_id"] == cast["Ben"]["id"] and row["invoice_status"] == "Open"
    ]
    assert (failed["attempts"], failed["decline_reason"]) == (2, "insufficient_funds")
    assert (failed["amount_paid"], failed["due"] > 0) == (0, True)


def test_carla_pays_and_never_comes(cast: dict) -> None:
    assert cast["Carla"]["visits"] == []
    [membership] = cast["Carla"]["memberships"]
    assert membership["status"] == 1
    assert len(membership["historical_invoices"]) >= 11


def test_dev_comes_every_other_week(cast: dict) -> None:
    assert len(cast["Dev"]["visits"]) > 20


def test_elena_wants_no_texts_and_felix_wants_nothing(cast: dict) -> None:
    elena, felix = cast["Elena"]["preferences"], cast["Felix"]["preferences"]
    assert elena["receive_marketing_sms"] is False
    assert elena["receive_marketing_email"] is True
    assert elena["preferred_language"] == "es"
    assert not any(value for key, value in felix.items() if key.startswith("receive"))
    assert felix["receive_marketing_email"] is False


def test_gina_was_let_down_and_said_so(sandbox: Sandbox, cast: dict) -> None:
    rows = sandbox.rows(
        f"/v1/centers/{cast['Gina']['center_id']}/feedbacks", "feedbacks",
        start_date=TODAY_ON - timedelta(60), end_date=TODAY,
    )  # fmt: skip
    hers = [row for row in rows if row["guest_id"] == cast["Gina"]["id"]]
    assert hers
    assert min(row["rating"] for row in hers) <= 2


def test_hugos_card_runs_out_this_month(cast: dict) -> None:
    details = cast["Hugo"]["memberships"][0]["recurring_details"]
    assert details["card_expiry"] == TODAY[:7]


def test_iris_has_benefits_she_does_not_use(cast: dict) -> None:
    line = cast["Iris"]["memberships"][0]["services"][0]
    assert line["balance"] >= 2
    assert line["expired"] > 0
