"""Everything kept about a guest: complete, readable, only for whom it is meant, written down."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from audit import reads
from audit.models import LedgerEntry
from config import guest_export
from memberships.models import Guest, Location
from outreach.library.seed import seed_library
from outreach.models import Suppression
from staff.models import User
from tests.factories.memberships import ChargeFactory, GuestFactory
from tests.factories.outreach import make_message

pytestmark = pytest.mark.django_db


def taken(client: Client, person: User, guest: Guest) -> dict[str, str]:
    """File name -> text, of the export as somebody takes it away."""
    client.force_login(person)
    answer = client.post(reverse("member-export", args=[guest.pk]))
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def test_every_table_that_speaks_of_guests_is_in_it_or_left_out_for_a_reason() -> None:
    links = {"guest", "guest_id", "membership", "appointment", "draft", "message", "thread", "call"}
    speaks = {
        model._meta.label
        for model in apps.get_models()
        if links & {field.name for field in model._meta.concrete_fields}
    }
    told = {section.model for section in guest_export.SECTIONS} | guest_export.LEFT_OUT.keys()
    assert speaks - told == set()
    assert told - speaks == {"memberships.Guest"}


def test_it_holds_what_was_sent_what_was_paid_and_what_was_done(
    client: Client, regional: User, desk: User, location: Location
) -> None:
    now = datetime.now().astimezone()
    seed_library(by=None, now=now)
    message = make_message(location, now=now)
    guest = message.guest
    ChargeFactory(membership=guest.memberships.get(), amount_cents=12_345)
    Suppression.objects.create(
        channel="sms", address=guest.phone, source="staff", reason="asked", added_at=now
    )
    reads.note_read(by=desk, place="call card", guests=[(guest.pk, location.pk)], now=now)
    stranger = GuestFactory(location=location, last_name="Stranger")
    for filters, shown in (("band", [stranger, guest]), ("plan", [stranger])):
        reads.note_list(
            by=desk, place="member list", filters=[filters], now=now,
            guests=[(one.pk, location.pk) for one in shown],
        )  # fmt: skip
    files = taken(client, regional, guest)
    everything = json.loads(files["everything.json"])
    assert everything["messages"][0]["body"] == message.body
    assert everything["payments"][0]["amount_cents"] == 12_345
    assert everything["payments"][0]["location"] == "North"
    assert everything["stops"][0]["address"] == guest.phone
    done = [entry["what"] for entry in everything["done-to-you"]]
    assert any("looked at" in what and "call card" in what for what in done)
    assert [what for what in done if "member list" in what] == [
        f"{desk} was shown a list of 2 guests (member list; by band)"
    ]
    assert any("approved" in what for what in done)
    assert any("took away everything" in what for what in done)
    assert message.body in files["messages.csv"].replace('""', '"')
    assert "messages.csv: Messages sent (1)" in files["read-me.txt"]
    assert stranger.last_name not in files["everything.json"]


def test_who_was_merged_into_the_guest_is_the_guest(
    client: Client, regional: User, location: Location
) -> None:
    guest = GuestFactory(location=location)
    GuestFactory(location=location, last_name="Formerly", merged_into=guest)
    assert "Formerly" in taken(client, regional, guest)["you.csv"]


def test_a_cell_a_spreadsheet_would_run_is_quoted(
    client: Client, regional: User, location: Location
) -> None:
    guest = GuestFactory(location=location, last_name='=HYPERLINK("x")')
    assert "'=HYPERLINK" in taken(client, regional, guest)["you.csv"]


def test_taking_it_away_is_written_down_and_looking_at_the_page_takes_nothing(
    client: Client, regional: User, location: Location
) -> None:
    guest = GuestFactory(location=location)
    client.force_login(regional)
    page = client.get(reverse("member-export", args=[guest.pk]))
    assert "hand it to nobody but the guest" in page.content.decode()
    taken_away = LedgerEntry.objects.filter(event="guest.exported", guest_id=guest.pk)
    assert not taken_away.exists()
    taken(client, regional, guest)
    assert taken_away.get().actor_id == regional.pk


def test_only_who_may_and_only_their_own(
    client: Client, manager: User, regional: User, location: Location, elsewhere: Any
) -> None:
    guest, foreign = GuestFactory(location=location), GuestFactory(location=elsewhere)
    for person, whom, status in ((manager, guest, 403), (regional, foreign, 404)):
        client.force_login(person)
        for send in (client.get, client.post):
            assert send(reverse("member-export", args=[whom.pk])).status_code == status
    client.force_login(regional)
    assert "Everything kept" in client.get(reverse("member", args=[guest.pk])).content.decode()
    client.force_login(manager)
    assert "Everything kept" not in client.get(reverse("member", args=[guest.pk])).content.decode()
