"""The second fence (INV-16): what the database shows does not depend on what a view remembers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import InterfaceError, ProgrammingError, connection, transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.urls.converters import IntConverter, UUIDConverter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import fence
from config.fenced import FENCED, LEFT_OUT
from config.postgresql.base import DatabaseWrapper
from memberships.models import (
    Appointment,
    Charge,
    Guest,
    LocatedQuerySet,
    Location,
    Membership,
    Review,
)
from outreach.errors import Conflict
from outreach.library.seed import seed_library
from outreach.models import Draft, Message
from outreach.sending.unsubscribe import token_for
from outreach.services import approve_draft, undo_decision
from platforms.models import OutboxItem
from retention.selectors import members
from retention.services import refresh_location
from staff.middleware import FOR_THE_SYSTEM, Fence
from staff.models import User
from tests.factories.cancellations import row_for, score_member
from tests.factories.memberships import (
    NOW,
    AppointmentFactory,
    GuestFactory,
    LocationFactory,
    MembershipFactory,
)
from tests.factories.outreach import make_draft, make_message, take_answer
from tests.factories.staff import UserFactory
from tests.test_access import addresses

SAMPLES: dict[type[Any], Any] = {IntConverter: 1, UUIDConverter: uuid4()}
ROOT = Path(__file__).resolve().parents[1]
APPS = ("audit", "platforms", "memberships", "staff", "risk", "outreach", "retention")
APPS = (*APPS, "cancellations")


def models_of(table: str) -> type[Any]:
    return next(m for m in apps.get_models() if m._meta.db_table == table)


def life_at(place: Location, name: str) -> list[Guest]:
    """A business's usual rows at one location, every guest of it with the same last name."""
    seed_library(by=None, now=NOW)
    message = make_message(place, last_name=name)
    draft = make_draft(place, last_name=name)
    answered = take_answer("Can I come?", guest=message.guest, ref=f"IN-{place.pk}")
    call = row_for(place, guest=GuestFactory(location=place, last_name=name))
    score_member(Membership.objects.get(guest=message.guest))
    for guest in (message.guest, draft.guest):
        Charge.objects.create(
            external_id=f"charge-{guest.pk}", guest=guest, location=place, charged_on=NOW.date(),
            status=Charge.Status.PAID, amount_cents=100,
        )  # fmt: skip
        Review.objects.create(
            external_id=f"review-{guest.pk}", guest=guest, location=place, rating=2,
            comment=f"said {name}", written_at=NOW,
        )  # fmt: skip
    refresh_location(location_id=place.pk, now=NOW)
    assert answered.thread is not None
    return [message.guest, draft.guest, call.guest]


# --- Every table ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_table_is_fenced_or_left_out_with_a_reason() -> None:
    ours = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in APPS
    }
    assert sorted(ours - FENCED - LEFT_OUT.keys()) == [], "say what holds for these"
    assert sorted((FENCED | LEFT_OUT.keys()) - ours) == [], "these are gone"
    assert not FENCED & LEFT_OUT.keys()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
            " WHERE c.relrowsecurity AND p.polname = 'tenure_fence' AND row_security_active(c.oid)"
        )
        assert {row[0] for row in cursor.fetchall()} == FENCED


@pytest.mark.django_db
def test_every_view_asks_as_who_is_looking() -> None:
    """A view reads as its owner unless it says otherwise, and no policy binds the owner."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm')"
            " AND relnamespace = 'public'::regnamespace"
            " AND NOT coalesce('security_invoker=true' = ANY(reloptions), false)"
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db
def test_who_said_nothing_sees_no_row_and_who_serves_a_place_sees_its_rows(
    location: Location, elsewhere: Location
) -> None:
    life_at(location, "Here")
    life_at(elsewhere, "Yonder")
    counted = {}
    for table in sorted(FENCED):
        rows = models_of(table)._default_manager
        everything = rows.count()
        with fence.looking(fence.NOTHING):
            assert rows.count() == 0, table
        with fence.looking(fence.of(all_locations=False, location_ids=[location.pk])):
            places = set(rows.values_list("location_id", flat=True))
            assert places <= {location.pk}, table
            counted[table] = (rows.count(), everything)
    seen = {table for table, (here, everything) in counted.items() if 0 < here < everything}
    # What `life_at` does not make stands empty; the policy is the same text everywhere.
    empty = {table for table, (_here, everything) in counted.items() if everything == 0}
    assert seen | empty == FENCED
    assert len(seen) >= 12, sorted(empty)


@pytest.mark.django_db
def test_no_row_is_written_for_a_place_one_does_not_serve(
    location: Location, elsewhere: Location
) -> None:
    stranger = GuestFactory(location=elsewhere)
    with (
        fence.looking(fence.of(all_locations=False, location_ids=[location.pk])),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        AppointmentFactory(guest_id=stranger.pk, guest=stranger, location=elsewhere)
    assert not Appointment.objects.exists()


@pytest.mark.django_db
def test_a_guest_is_known_where_they_are_at_home_have_a_contract_or_came(
    location: Location, elsewhere: Location
) -> None:
    at_home = GuestFactory(location=location)
    visits = GuestFactory(location=elsewhere)
    AppointmentFactory(guest=visits, location=location)
    booked_there = AppointmentFactory(guest=visits, location=elsewhere)
    under_contract = MembershipFactory(guest=GuestFactory(location=elsewhere), location=location)
    written_to = make_message(location).guest
    Guest.objects.filter(pk=written_to.pk).update(location=elsewhere)  # moved since
    Membership.objects.filter(guest=written_to).update(location=elsewhere)
    called = row_for(location).guest
    Appointment.objects.filter(guest=called).update(location=elsewhere)
    Guest.objects.filter(pk=called.pk).update(location=elsewhere)
    stranger = AppointmentFactory(location=elsewhere)
    with fence.looking(fence.of(all_locations=False, location_ids=[location.pk])):
        known = set(Guest.objects.values_list("pk", flat=True))
        bookings = set(Appointment.objects.values_list("pk", flat=True))
    assert known == {at_home.pk, visits.pk, under_contract.guest_id, written_to.pk, called.pk}
    assert booked_there.pk in bookings, "what a known guest does elsewhere stands on their page"
    assert stranger.pk not in bookings


# --- Pages whose filter is broken -----------------------------------------------------------------


@pytest.fixture
def broken_filters() -> Iterator[None]:
    """As if every view had forgotten to ask whose rows it shows."""
    with (
        patch.object(LocatedQuerySet, "visible_to", lambda rows, user: rows),
        patch.object(members, "visible_guests", lambda user: Guest.objects.all()),
        patch("retention.views.member_list.visible_guests", lambda user: Guest.objects.all()),
        patch("config.guest_export.visible_guests", lambda user: Guest.objects.all()),
        patch.object(User, "serves", lambda user, pk: True),
    ):
        yield


LISTS = [
    "/members/", "/members/?status=all&q=yonder", "/members/?sort=name", "/review/",
    "/review/together/", "/outgoing/", "/outgoing/?view=sending", "/sequences/",
    "/sequences/?view=waiting", "/replies/", "/replies/?view=all", "/replies/?view=all&q=yonder",
    "/replies/parked/", "/calls/", "/calls/?show=done", "/bookings/?band=all",
]  # fmt: skip


def words(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code in (200, 302, 403), url
    return response.content.decode()


@pytest.mark.django_db
def test_pages_with_a_broken_filter_show_no_foreign_row(
    location: Location, elsewhere: Location, regional: User, broken_filters: None, client: Client
) -> None:
    life_at(location, "Here")
    guests = life_at(elsewhere, "Yonder")
    client.force_login(regional)
    told = {url: words(client, url) for url in LISTS}
    assert not [url for url, page in told.items() if "Yonder" in page.replace("“yonder”", "")]
    assert sum("Here" in page for page in told.values()) >= 6, "the pages do show their own rows"
    foreign = Draft.objects.get(guest=guests[1])
    sent = Message.objects.get(guest=guests[0])
    things = [
        reverse("member", args=[guests[0].pk]),
        reverse("member-timeline", args=[guests[0].pk]),
        reverse("member-export", args=[guests[0].pk]),
        reverse("call-history", args=[guests[0].pk]),
        reverse("guest-sequences", args=[guests[0].pk]),
        reverse("guest-authorisation", args=[guests[0].pk]),
        reverse("review-draft", args=[foreign.pk]),
        reverse("reply-thread", args=[sent.guest.threads.get().pk]),
        reverse("call", args=[guests[2].calls.get().pk]),
    ]
    assert {url: client.get(url).status_code for url in things} == dict.fromkeys(things, 404)
    assert client.post(things[2]).status_code == 404, "nor is anything taken away as a file"
    presses = [
        reverse("draft-approve", args=[foreign.pk]),
        reverse("message-cancel", args=[sent.pk]),
    ]
    for url in presses:
        assert client.post(url, {"version": foreign.version}).status_code == 404, url
    foreign.refresh_from_db()
    assert foreign.status == Draft.Status.PENDING


@pytest.mark.django_db
def test_without_the_fence_the_same_pages_would_show_them(
    location: Location, elsewhere: Location, regional: User, broken_filters: None, client: Client
) -> None:
    """So that the test above is known to look where something could be seen."""
    life_at(elsewhere, "Yonder")
    client.force_login(regional)
    with patch.object(fence, "of", lambda **_: fence.EVERYTHING):
        told = [url for url in LISTS if "Yonder" in words(client, url).replace("“yonder”", "")]
    assert len(told) >= 6, told


@pytest.mark.django_db
def test_nobody_sees_foreign_guests_whoever_looks_wherever(broken_filters: None) -> None:
    places = [LocationFactory(name=f"Place {n}") for n in range(3)]
    names = dict(zip(places, ("Alder", "Birch", "Cedar"), strict=True))
    for place, name in names.items():
        life_at(place, name)
    people = {role: UserFactory(role=role) for role in ("desk", "manager", "regional")}

    @settings(
        max_examples=25, deadline=None, database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )  # fmt: skip
    @given(
        role=st.sampled_from(sorted(people)),
        served=st.sets(st.sampled_from(places), max_size=2),
        url=st.sampled_from([url for url in LISTS if "q=" not in url]),
    )
    def look(role: str, served: set[Location], url: str) -> None:
        person = people[role]
        person.locations.set(served)
        client = Client()
        client.force_login(person)
        page = words(client, url)
        foreign = [name for place, name in names.items() if place not in served and name in page]
        assert not foreign, (role, url)

    look()


# --- Who is looking -------------------------------------------------------------------------------


def names_seen() -> list[str]:
    return sorted(Guest.objects.values_list("last_name", flat=True))


def seen_before_a_rollback(sight: fence.Sight) -> list[str]:
    with transaction.atomic():
        with fence.looking(sight):
            seen = names_seen()
        transaction.set_rollback(True)
    return seen


@pytest.mark.django_db
def test_a_stream_is_made_as_the_person_who_asked_for_it(
    location: Location, elsewhere: Location
) -> None:
    GuestFactory(location=location, last_name="Here")
    GuestFactory(location=elsewhere, last_name="Yonder")

    def view(request: Any) -> StreamingHttpResponse:
        fence.look(fence.of(all_locations=False, location_ids=[location.pk]))  # as `place` does
        return StreamingHttpResponse(str(names_seen()) for _ in range(2))

    response = Fence(view)(RequestFactory().get("/"))  # type: ignore[arg-type]
    assert fence.current() == fence.EVERYTHING, "the view is over"
    told = []
    for piece in response.streaming_content:  # type: ignore[attr-defined]
        told.append(piece.decode())
        assert names_seen() == ["Here", "Yonder"], "between two pieces nobody is served"
    assert told == ["['Here']", "['Here']"]


@pytest.mark.django_db
def test_after_a_request_that_failed_nothing_of_it_is_left(location: Location) -> None:
    def view(request: Any) -> HttpResponse:
        fence.look(fence.of(all_locations=False, location_ids=[location.pk]))
        raise Http404

    with fence.looking(fence.NOTHING), pytest.raises(Http404):
        Fence(view)(RequestFactory().get("/"))
    GuestFactory(location=location)
    with fence.looking(fence.NOTHING):
        assert names_seen() == []


@pytest.mark.django_db
def test_locations_count_as_they_are_at_the_moment_of_the_request(
    location: Location, elsewhere: Location, manager: User, client: Client
) -> None:
    life_at(location, "Here")
    client.force_login(manager)
    assert "Here" in words(client, "/outgoing/")
    manager.locations.set([elsewhere])
    with patch.object(LocatedQuerySet, "visible_to", lambda rows, user: rows):
        assert "Here" not in words(client, "/outgoing/")


@pytest.mark.django_db
def test_a_rollback_does_not_leave_the_wrong_sight_behind(
    location: Location, elsewhere: Location
) -> None:
    """The server takes settings back with a transaction; what it knows is told anew."""
    GuestFactory(location=location, last_name="Here")
    GuestFactory(location=elsewhere, last_name="Yonder")
    with fence.looking(fence.of(all_locations=False, location_ids=[location.pk])):
        assert names_seen() == ["Here"]
        assert seen_before_a_rollback(fence.EVERYTHING) == ["Here", "Yonder"]
        assert names_seen() == ["Here"]
        with fence.beyond("a try"):
            assert seen_before_a_rollback(fence.NOTHING) == []
            assert names_seen() == ["Here", "Yonder"]
    assert names_seen() == ["Here", "Yonder"]


@pytest.mark.django_db(transaction=True)
def test_nor_does_the_rollback_of_a_whole_transaction(location: Location) -> None:
    GuestFactory(location=location, last_name="Here")
    with fence.looking(fence.NOTHING):
        assert names_seen() == []
        assert seen_before_a_rollback(fence.EVERYTHING) == ["Here"]
        assert names_seen() == []
    with connection.cursor() as cursor, cursor.copy("COPY (SELECT last_name FROM memberships_guest)"
                                                    " TO STDOUT") as rows:  # fmt: skip
        assert b"".join(rows) == b"Here\n", "a COPY is asked as everything is"


@pytest.mark.django_db(transaction=True)
def test_a_pooler_that_changes_the_connection_between_transactions_is_refused() -> None:
    """What one server process was told another would not know."""
    other = connection.copy()
    try:
        other.ensure_connection()
        with other.cursor() as cursor:
            cursor.execute("SELECT 1")
        other.backend_pid = 1  # as if the last transaction had run elsewhere
        with (
            fence.looking(fence.NOTHING),
            pytest.raises(InterfaceError, match="session mode"),
            other.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")
    finally:
        other.close()


# --- Who may look further -------------------------------------------------------------------------


def test_only_named_addresses_act_for_the_system() -> None:
    named = {each.name for each in addresses()}
    assert FOR_THE_SYSTEM.keys() <= named
    assert all(FOR_THE_SYSTEM.values()), "each with its reason"
    wide = set()
    for each in addresses():
        request = RequestFactory().get("/")
        request.resolver_match = type("Match", (), {"url_name": each.name})  # type: ignore[assignment]
        with fence.looking(fence.NOTHING):
            Fence(lambda request: HttpResponse()).process_view(request, each.callback, (), {})
            if fence.current() != fence.NOTHING:
                wide.add(each.name)
                assert each.callback.access == "public", "whoever signs in is a person"
    assert wide == FOR_THE_SYSTEM.keys()


@pytest.mark.django_db
def test_whoever_is_signed_out_sees_no_row_but_by_those(location: Location, client: Client) -> None:
    token = token_for(make_message(location))
    seen = {}

    def note(self: Any, request: Any, view: Any, args: Any, kwargs: Any) -> None:
        usual(self, request, view, args, kwargs)
        seen[request.resolver_match.url_name] = (Guest.objects.count(), OutboxItem.objects.count())

    usual = Fence.process_view
    special = {"unsubscribe": [token], "quality-chart": ["churn", "calibration", "light"]}
    with patch.object(Fence, "process_view", note):
        for each in addresses():
            kinds = each.pattern.converters.values()
            usual_args = [SAMPLES.get(type(kind), "x") for kind in kinds]
            client.get(reverse(each.name, args=special.get(each.name, usual_args)))
    assert len(seen) > 100
    assert {name for name, rows in seen.items() if rows != (0, 0)} == FOR_THE_SYSTEM.keys()


# Where the whole business is looked at on behalf of a person: file and function.
BEYOND = {
    "cancellations/services/calls.py": {"log_call", "undo_call"},
    "cancellations/services/lists.py": {"ask_call"},
    "config/guest_export.py": {"archive"},
    "outreach/checks.py": {"look_around"},
    "outreach/gate/conditions.py": {"held_reasons"},
    "outreach/replies/mail.py": {"author_of"},
    "outreach/replies/parked.py": {"_rows", "read_again", "read_by_eye"},
    "outreach/services/answers.py": {
        "deal_with_thread",
        "name_writer",
        "open_thread",
        "send_answer",
        "take_back_answer",
    },
    "outreach/services/decisions.py": {
        "approve_draft",
        "cancel_message",
        "edit_draft",
        "undo_decision",
    },
    "outreach/services/messages.py": {"retry_all", "retry_message", "settle_uncertain"},
    "outreach/services/phases.py": {"lower_phase", "raise_phase"},
    "outreach/services/sequences.py": {"call_made", "leave_runs"},
    "outreach/services/stops.py": {"lift_suppression", "suppress"},
    "outreach/services/trials.py": {"send_test"},
    "retention/services.py": {"request_drafts"},
    "risk/services/bands.py": {"change_thresholds"},
    "risk/services/inputs.py": {"exclude_input", "include_input"},
}
WHO_LOOKS = {
    "audit/fence.py",
    "config/celery.py",
    "config/postgresql/base.py",
    "staff/middleware.py",
}


def uses(path: Path) -> Iterator[tuple[str, str]]:
    """(name of audit.fence, function it is used in) of one file."""
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.ClassDef | ast.Module):
            where = getattr(function, "name", "")
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Attribute)
                    and isinstance(node.value, ast.Name)
                    and node.value.id == "fence"
                ):
                    yield node.attr, where


def test_every_look_beyond_is_listed() -> None:
    found: dict[str, set[str]] = {}
    for app in (*APPS, "config"):
        for path in (ROOT / app).rglob("*.py"):
            name = str(path.relative_to(ROOT))
            for what, where in uses(path):
                if name in WHO_LOOKS:
                    continue
                assert what == "beyond", f"{name} decides who is looking"
                if where:
                    found.setdefault(name, set()).add(where)
    assert found == BEYOND


@pytest.mark.django_db
def test_a_rival_elsewhere_is_a_conflict_with_a_name(
    location: Location, elsewhere: Location, manager: User
) -> None:
    """Undo meets the one-draft rule of a guest who has a draft at another location."""
    seed_library(by=None, now=NOW)
    draft = make_draft(location)
    approve_draft(draft_id=draft.pk, version=draft.version, by=manager, now=NOW)
    draft.refresh_from_db()
    rival = make_draft(elsewhere)
    Draft.objects.filter(pk=rival.pk).update(guest=draft.guest)
    with fence.looking(fence.of(all_locations=False, location_ids=[location.pk])):
        assert not Draft.objects.filter(pk=rival.pk).exists()
        with pytest.raises(Conflict, match="South"):
            undo_decision(draft_id=draft.pk, by=manager, now=NOW)


@pytest.mark.django_db
def test_no_page_pays_for_the_fence_with_a_query_of_its_own(
    location: Location, manager: User, client: Client
) -> None:
    """The server is told beside the statements of the page, once while nobody looks further."""
    client.force_login(manager)
    client.get("/members/")
    told: list[Any] = []
    usual = DatabaseWrapper._tell

    def count(self: Any) -> None:
        before = self.told
        usual(self)
        if self.told != before:
            told.append(self.told)

    with patch.object(DatabaseWrapper, "_tell", count):
        client.get("/members/")
    assert len(told) <= 2, told
