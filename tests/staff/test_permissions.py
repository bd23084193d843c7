"""Who may do what: the table of docs/roles.md, and what a permission demands of an object."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import rules
from django.contrib.auth.models import AnonymousUser

from memberships.models import Location
from staff import permissions, roles
from staff.models import User
from tests.factories.memberships import GuestFactory

pytestmark = pytest.mark.django_db

# desk, manager, regional, admin
TABLE = {
    "cancellations.work_calls": "yes yes yes yes",
    "cancellations.ask_call": "yes yes yes yes",
    "cancellations.view_bookings": "yes yes yes yes",
    "retention.search_members": "yes yes yes yes",
    "retention.view_member": "yes yes yes yes",
    "retention.view_members": "no yes yes yes",
    "retention.view_overview": "no no yes yes",
    "memberships.view_sync": "yes yes yes yes",
    "memberships.start_sync": "no no no yes",
    "risk.view_scores": "no yes yes yes",
    "outreach.view_draft": "no yes yes yes",
    "outreach.edit_draft": "no yes yes yes",
    "outreach.approve_draft": "no yes yes yes",
    "outreach.reject_draft": "no yes yes yes",
    "outreach.snooze_draft": "no yes yes yes",
    "outreach.request_draft": "no yes yes yes",
    "outreach.record_authorisation": "no yes yes yes",
    "outreach.view_outgoing": "no yes yes yes",
    "outreach.cancel_message": "no yes yes yes",
    "outreach.view_sequence": "yes yes yes yes",
    "outreach.steer_sequence": "no yes yes yes",
    "outreach.answer_reply": "yes yes yes yes",
    "outreach.answer_freely": "no yes yes yes",
    "outreach.stop_sending": "yes yes yes yes",
    "outreach.resume_sending": "no no yes yes",
    "outreach.promote_play": "no no yes yes",
    "outreach.lower_play": "no yes yes yes",
    "outreach.view_library": "no yes yes yes",
    "outreach.propose_library": "no yes yes yes",
    "outreach.approve_library": "no no yes yes",
    "outreach.change_policy": "no no yes yes",
    "risk.change_thresholds": "no no yes yes",
    "risk.view_quality": "no no yes yes",
    "risk.serve_model": "no no yes yes",
    "audit.view_activity": "no yes yes yes",
    "audit.export_guest": "no no yes yes",
    "staff.manage_people": "no no no yes",
    "staff.erase_guest": "no no no yes",
}


def test_the_table_is_complete() -> None:
    assert set(TABLE) == roles.ADMIN


@pytest.mark.parametrize("permission", sorted(TABLE))
def test_each_role_holds_what_the_table_says(
    permission: str, desk: User, manager: User, regional: User, admin: User
) -> None:
    answers = [person.has_perm(permission) for person in (desk, manager, regional, admin)]
    assert answers == [word == "yes" for word in TABLE[permission].split()]


@pytest.mark.parametrize("permission", sorted(TABLE))
def test_nobody_else_holds_anything(permission: str, admin: User) -> None:
    admin.is_active = False
    assert not admin.has_perm(permission)
    assert not AnonymousUser().has_perm(permission)


def test_a_permission_nobody_registered_is_refused(admin: User) -> None:
    assert not admin.has_perm("outreach.send_at_once")
    assert not rules.perm_exists("outreach.send_at_once")


def test_what_belongs_elsewhere_is_out_of_reach(
    manager: User, admin: User, location: Location, elsewhere: Location
) -> None:
    here, there = GuestFactory(location=location), GuestFactory(location=elsewhere)
    assert manager.has_perm("retention.view_member", here)
    assert not manager.has_perm("retention.view_member", there)
    assert manager.has_perm("outreach.stop_sending", location)
    assert not manager.has_perm("outreach.stop_sending", elsewhere)
    assert admin.has_perm("retention.view_member", there)


def test_what_belongs_to_no_location_is_for_those_who_serve_all(manager: User, admin: User) -> None:
    stray = SimpleNamespace(location_id=None)
    assert not manager.has_perm("retention.view_member", stray)
    assert admin.has_perm("retention.view_member", stray)


def draft(location: Location, **changes: object) -> SimpleNamespace:
    usual = {"location_id": location.pk, "cost_cents": 0, "writers": []}
    return SimpleNamespace(**{**usual, **changes})


def test_an_offer_above_the_limit_is_for_somebody_with_a_wider_one(
    manager: User, regional: User, admin: User, location: Location
) -> None:
    dear = draft(location, cost_cents=manager.approval_limit_cents + 1)
    assert manager.has_perm("outreach.approve_draft", draft(location, cost_cents=5_000))
    assert not manager.has_perm("outreach.approve_draft", dear)
    assert regional.has_perm("outreach.approve_draft", dear)
    assert admin.has_perm("outreach.approve_draft", draft(location, cost_cents=10_000_000))


@pytest.mark.parametrize("who", ["manager", "admin"])
def test_nobody_approves_words_of_their_own_administrators_included(
    who: str, request: pytest.FixtureRequest, approver: User, location: Location
) -> None:
    writer: User = request.getfixturevalue(who)
    edited = draft(location, writers=[writer.pk])
    assert not writer.has_perm("outreach.approve_draft", edited)
    assert approver.has_perm("outreach.approve_draft", edited)


def test_where_policy_does_not_ask_for_four_eyes_two_do(manager: User, location: Location) -> None:
    edited = draft(location, writers=[manager.pk], four_eyes_on_edits=False)
    assert manager.has_perm("outreach.approve_draft", edited)


def test_rules_of_the_whole_business_need_somebody_who_serves_all_of_it(
    regional: User, location: Location, elsewhere: Location
) -> None:
    assert not regional.has_perm("outreach.change_policy")
    regional.locations.add(elsewhere)
    regional.refresh_from_db()
    assert regional.has_perm("outreach.change_policy")


def test_registering_twice_changes_nothing(manager: User) -> None:
    permissions.register()
    assert manager.has_perm("outreach.approve_draft")


def test_createsuperuser_makes_an_administrator_and_nothing_above_one(location: Location) -> None:
    chief = User.objects.create_superuser("Chief", "a long enough password")
    assert chief.role == User.Role.ADMIN
    assert not chief.has_perm("outreach.approve_draft", draft(location, writers=[chief.pk]))
    assert User.objects.get_by_natural_key("chief") == chief
