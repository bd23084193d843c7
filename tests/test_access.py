"""Every address, for every role, here and elsewhere: the expected answer, in one table (INV-16).

An address without a line fails the test. To add one, write what desk, manager, regional and admin
of the location get; for an address of one thing, say how to make that thing:

    "member": Line("200 200 200 200", thing=lambda here: GuestFactory(location=here)),
    "draft-approve": Line("403 302 302 302", thing=make_draft, post={"version": 1}),

The rest follows: whoever is not signed in is led to the sign-in, the manager of another location
gets a 404 for the thing and the manager's answer for a list, `?location=` of a foreign location is
a 404 everywhere, and a fragment (HX-Request) is refused as the page is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
import rules
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from audit import clock
from memberships.models import Guest, Location
from outreach.gate.hours import lay_out
from outreach.library.seed import seed_library
from outreach.models import (
    Breaker,
    CallingHours,
    Draft,
    Message,
    Offer,
    Run,
    Switch,
    Template,
    Thread,
)
from outreach.sending.unsubscribe import token_for
from outreach.services import send_answer
from platforms.models import InboxDelivery
from retention.models import SavedView
from risk.models import InputExclusion, ModelVersion, Target
from staff.models import User
from tests.factories.autonomy import make_rule
from tests.factories.cancellations import row_for
from tests.factories.memberships import NOW, GuestFactory
from tests.factories.outreach import make_draft, make_message, parked_answer, take_answer
from tests.factories.staff import UserFactory

pytestmark = pytest.mark.django_db

ROLES = ["desk", "manager", "regional", "admin"]
SEEN = {200, 204, 302, 409, 422}  # answers of somebody who was let in


@dataclass(frozen=True)
class Line:
    """What the four roles get. `thing` makes the object of the address at a location (or gives a
    list of arguments); `post` makes the request a POST with these fields; `query` goes behind ?"""

    expected: str
    thing: Callable[[Location], Any] | None = None
    post: dict[str, Any] | None = None
    query: dict[str, Any] = field(default_factory=dict)
    visitor: int = 302
    elsewhere: int | None = None  # default: 404 for a thing, else what a manager gets
    fragment: int | None = None  # where HTMX gets another answer than the page


def somebody(location: Location) -> User:
    return UserFactory(locations=[location])


def a_fact_left_out(location: Location) -> InputExclusion:
    return InputExclusion.objects.create(
        target=Target.CHURN, input="rating", reason="asked", by=somebody(location), at=NOW
    )


def anothers_view(location: Location) -> SavedView:
    return SavedView.objects.create(name="theirs", owner=somebody(location), is_shared=True)


def a_draft(location: Location) -> Draft:
    seed_library(by=None, now=NOW)
    return make_draft(location, now=clock.now())


def a_run(location: Location) -> Run:
    run = a_draft(location).run
    assert run is not None
    return run


def a_play(location: Location) -> list[str]:
    seed_library(by=None, now=NOW)
    return ["at-risk-check-in"]


def a_message(location: Location) -> Message:
    return make_message(location, now=clock.now())


def a_row(location: Location) -> list[str]:
    return [str(uuid4())]


def a_way_out(location: Location) -> list[str]:
    return [token_for(a_message(location))]


def a_thread(location: Location) -> Thread:
    seed_library(by=None, now=NOW)
    return take_answer("Can I come on Friday?", guest=GuestFactory(location=location)).thread


def a_parked_answer(location: Location) -> InboxDelivery:
    return parked_answer("Can I come on Friday?", guest=GuestFactory(location=location))


def an_answer(location: Location) -> Message:
    thread = a_thread(location)
    return send_answer(
        thread_id=thread.pk,
        version=thread.version,
        body="Gladly",
        by=UserFactory(role="manager", locations=[location]),
        now=clock.now(),
    )


def a_switch(location: Location) -> Switch:
    return Switch.objects.create(scope="all", changed_at=NOW, changed_by=somebody(location))


def an_offer(location: Location) -> Offer:
    seed_library(by=None, now=NOW)
    return Offer.objects.get(name="Words only")


def a_guest(location: Location) -> Guest:
    guest: Guest = GuestFactory(location=location)
    return guest


def some_hours(location: Location) -> CallingHours:
    lay_out()
    hours: CallingHours = CallingHours.objects.get(jurisdiction="US")
    return hours


def a_text(location: Location) -> Template:
    seed_library(by=None, now=NOW)
    return Template.objects.get(slug="sms-away-offer-en")


def a_chart(location: Location) -> list[str]:
    ModelVersion.objects.create(
        target="churn", name="tested", kind="additive", status="champion", trained_at=NOW,
        metrics={
            "test": {"n": 10, "positives": 1, "lift": 2.0},
            "calibration": [{"n": 10, "expected": 0.1, "seen": 0.1}],
        },
    )  # fmt: skip
    return ["churn", "calibration", "light"]


def a_play_there(location: Location) -> list[Any]:
    seed_library(by=None, now=NOW)
    return ["at-risk-check-in", location.pk]


def a_rule(location: Location) -> Any:
    a_play_there(location)
    return make_rule()


def a_held_scope(location: Location) -> Breaker:
    return Breaker.objects.create(
        location=location, signal="stops", state="open", evaluated_at=NOW, changed_at=NOW,
        tries_at=NOW,
    )  # fmt: skip


EVERYBODY = "200 200 200 200"
FROM_MANAGER = "403 200 200 200"
ONLY_ADMIN = "403 403 403 200"

TABLE: dict[str, Line] = {
    # config, platforms: open to machines, which sign what they send
    "member-export": Line(
        "403 403 200 200", thing=lambda here: GuestFactory(location=here), elsewhere=403
    ),
    "healthz": Line("200 200 200 200", visitor=200),
    "hook-zenoti": Line("401 401 401 401", post={}, visitor=401),
    "hook-sms-status": Line("401 401 401 401", post={}, visitor=401),
    "hook-sms-receipt": Line("401 401 401 401", a_row, post={}, visitor=401, elsewhere=401),
    "hook-mail": Line("401 401 401 401", post={}, visitor=401),
    "hook-sms-inbound": Line("401 401 401 401", post={}, visitor=401),
    # memberships
    "sync": Line("200 200 200 200"),
    "sync-now": Line("403 403 403 302", thing=lambda here: here, post={}, elsewhere=403),
    # audit
    "activity": Line("403 200 200 200"),
    "activity-export": Line("403 200 200 200"),
    # retention
    "members": Line(EVERYBODY),
    "members-draft": Line("403 302 302 302", post={}),
    "member-view-save": Line("403 302 302 302", post={"name": "mine", "query": ""}),
    "member-view-drop": Line("403 404 404 404", thing=anothers_view, post={}),
    "member": Line(EVERYBODY, thing=lambda here: GuestFactory(location=here)),
    "member-timeline": Line(EVERYBODY, thing=lambda here: GuestFactory(location=here)),
    "overview": Line("403 403 200 200"),
    # cancellations
    "calls": Line(EVERYBODY),
    "call-next": Line("302 302 302 302"),
    "call-enter": Line(EVERYBODY),
    "call-ask": Line("302 302 302 302", post={}),
    "call-history": Line(EVERYBODY, thing=lambda here: GuestFactory(location=here)),
    "call": Line(EVERYBODY, thing=row_for),
    "call-log": Line("302 302 302 302", thing=row_for, post={"version": 1, "outcome": "booked"}),
    "call-later": Line("302 302 302 302", thing=row_for, post={"version": 1}),
    "call-undo": Line("409 409 409 409", thing=row_for, post={"version": 1}),
    "call-release": Line("302 302 302 302", thing=row_for, post={}),
    "bookings": Line(EVERYBODY),
    "overview-bookings": Line("403 403 200 200"),
    "settings-calls": Line(ONLY_ADMIN),
    # risk
    "quality": Line("403 403 200 200"),
    "quality-chart": Line("403 403 200 200", thing=a_chart, elsewhere=403),
    # regional managers of the whole business too
    "quality-roll-back": Line("403 403 403 302", post={"target": "churn"}),
    "settings-thresholds": Line(ONLY_ADMIN),  # regional managers of the whole business too
    "settings-inputs": Line(ONLY_ADMIN),  # the same
    "settings-input-include": Line(
        "403 403 403 302", thing=a_fact_left_out, post={}, elsewhere=403
    ),
    # outreach
    "review": Line(FROM_MANAGER),
    "review-sheet": Line(FROM_MANAGER),
    "review-draft": Line(FROM_MANAGER, thing=a_draft),
    "draft-approve": Line("403 302 302 302", thing=a_draft, post={"version": 1}),
    "draft-edit": Line("403 302 302 302", thing=a_draft, post={"version": 1, "body": "x"}),
    "draft-reject": Line("403 302 302 302", thing=a_draft, post={"version": 1, "reason": "words"}),
    "draft-snooze": Line(
        "403 302 302 302", thing=a_draft, post={"version": 1, "until": "2030-01-02T09:00:00Z"}
    ),
    "draft-undo": Line("403 302 302 302", thing=a_draft, post={}),
    "outgoing": Line(FROM_MANAGER),
    "message-cancel": Line("403 302 302 302", thing=a_message, post={}),
    "message-retry": Line("403 302 302 302", thing=a_message, post={}),
    "message-retry-all": Line("403 302 302 302", post={"cause": "away"}),
    "message-settle": Line("403 302 302 302", thing=a_message, post={}),
    "sequences": Line(EVERYBODY),
    "guest-sequences": Line(EVERYBODY, thing=lambda here: GuestFactory(location=here)),
    "sequences-pause": Line("403 302 302 302", post={}),
    "sequences-resume": Line("403 403 302 302", post={}),
    "sequence-pause": Line("403 302 302 302", thing=a_run, post={}),
    "sequence-resume": Line("403 302 302 302", thing=a_run, post={}),
    "sequence-end": Line("403 302 302 302", thing=a_run, post={}),
    "sending-stop": Line("302 302 302 302", post={}),
    "sending-resume": Line("403 403 200 200", thing=a_switch, elsewhere=403),
    "replies": Line(EVERYBODY),
    "replies-news": Line(EVERYBODY),
    "parked": Line(EVERYBODY),
    "parked-again-all": Line("302 302 302 302", post={}),
    "parked-one": Line(EVERYBODY, thing=a_parked_answer),
    "parked-again": Line("302 302 302 302", thing=a_parked_answer, post={}),
    "parked-read": Line("302 302 302 302", thing=a_parked_answer, post={}),
    "parked-aside": Line("302 302 302 302", thing=a_parked_answer, post={}),
    "reply-thread": Line(EVERYBODY, thing=a_thread),
    # The desk sends the library's words, not its own.
    "reply-answer": Line("403 302 302 302", thing=a_thread, post={"version": 2, "body": "Gladly"}),
    "reply-preview": Line(EVERYBODY, thing=a_thread, post={"body": "Gladly"}),
    "reply-done": Line("302 302 302 302", thing=a_thread, post={"version": 2}),
    "reply-release": Line("302 302 302 302", thing=a_thread, post={}),
    "reply-guest": Line("302 302 302 302", thing=a_thread, post={"version": 2, "guest": 1}),
    "answer-undo": Line("302 302 302 302", thing=an_answer, post={}),
    "unsubscribe": Line(EVERYBODY, thing=a_way_out, visitor=200, elsewhere=200),
    "quality-plays": Line("403 403 200 200"),
    "settings-offers": Line(FROM_MANAGER),
    "settings-offer-add": Line(FROM_MANAGER),
    "settings-offer-status": Line(
        "403 403 302 302", thing=an_offer, post={"status": "retired"}, elsewhere=403
    ),
    "settings-templates": Line(FROM_MANAGER),
    "settings-template-add": Line(FROM_MANAGER),
    "settings-template": Line(FROM_MANAGER, thing=a_text, elsewhere=200),
    "settings-template-status": Line(
        "403 403 302 302", thing=a_text, post={"status": "retired"}, elsewhere=403
    ),
    "settings-automation": Line(FROM_MANAGER),
    "settings-automation-play": Line(FROM_MANAGER, thing=a_play_there),
    "settings-automation-up": Line(
        "403 403 422 422", thing=a_play_there, post={"to": "automatic"}, elsewhere=403
    ),
    "settings-automation-down": Line("403 302 302 302", thing=a_play_there, post={"to": "report"}),
    "settings-automation-seen": Line("403 302 302 302", thing=a_play_there, post={}),
    "settings-rule-set": Line(
        "403 403 403 404", thing=lambda here: [a_play_there(here)[0]], post={}, elsewhere=403
    ),
    "settings-rule-remove": Line("403 403 403 404", thing=a_rule, post={}, elsewhere=403),
    "settings-breaker-close": Line("403 403 200 200", thing=a_held_scope, elsewhere=403),
    "settings-template-test": Line("403 302 302 302", thing=a_text, post={}, elsewhere=302),
    "settings-wording": Line(FROM_MANAGER),
    "refusals": Line(FROM_MANAGER),
    "refusals-read": Line("403 302 302 302", post={}),
    "settings-steps": Line(FROM_MANAGER),
    "settings-steps-play": Line(FROM_MANAGER, thing=a_play, elsewhere=200),
    "settings-policy": Line(FROM_MANAGER),
    "guest-authorisation": Line(FROM_MANAGER, thing=a_guest),
    "settings-hours": Line(FROM_MANAGER),
    "settings-hours-add": Line(ONLY_ADMIN),  # regional managers of the whole business too
    "settings-hours-change": Line(ONLY_ADMIN, thing=some_hours, elsewhere=403),
    "settings-hours-end": Line("403 403 403 302", thing=some_hours, post={}, elsewhere=403),
    # staff
    "home": Line("302 302 302 302"),
    "sign-in": Line("302 302 302 302", visitor=200),
    "sign-out": Line("302 302 302 302", post={}, fragment=401),
    "kept": Line("302 302 302 302"),
    "session": Line("204 204 204 204"),
    "second-factor": Line("302 302 302 302"),
    "second-factor-set-up": Line(EVERYBODY),
    "set-password": Line(
        "410 410 410 410", thing=lambda here: ["MQ", "void"], visitor=410, elsewhere=410
    ),
    "preferences": Line(EVERYBODY),
    "settings": Line(EVERYBODY),
    "settings-people": Line(ONLY_ADMIN),
    "settings-person-add": Line(ONLY_ADMIN),
    "settings-person": Line(ONLY_ADMIN, thing=somebody, elsewhere=403),
    "settings-person-link": Line(ONLY_ADMIN, thing=somebody, post={}, elsewhere=403),
    "settings-person-second-factor": Line(
        "403 403 403 302", thing=somebody, post={}, elsewhere=403
    ),
}


def addresses(patterns: list[Any] | None = None) -> Iterator[URLPattern]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns)
        else:
            yield pattern


def test_every_view_says_who_may_open_it() -> None:
    unmarked = [str(each.pattern) for each in addresses() if not hasattr(each.callback, "access")]
    assert unmarked == []
    for each in addresses():
        mark = each.callback.access
        assert mark in ("public", "signed in") or rules.perm_exists(mark), (each.name, mark)


def test_every_address_has_a_line() -> None:
    names = {each.name or str(each.pattern) for each in addresses()}
    assert sorted(names - TABLE.keys()) == []


def test_no_line_is_left_over() -> None:
    assert sorted(TABLE.keys() - {each.name for each in addresses()}) == []


def answer(line: Line, name: str, who: User | None, here: Location, **request: Any) -> int:
    """The status, and nothing left behind: whatever the request changed is undone."""
    client = Client(headers=request.pop("headers", None))
    with transaction.atomic():
        args = []
        if line.thing is not None:
            made = line.thing(here)
            args = made if isinstance(made, list) else [made.pk]
        if who is not None:
            client.force_login(who)
        path = reverse(name, args=args)
        query = {**line.query, **request.pop("query", {})}
        send = client.get if line.post is None else client.post
        data = {} if line.post is None else {"data": line.post}
        status = send(path, query_params=query, **data).status_code
        transaction.set_rollback(True)
    return int(status)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_each_role_gets_what_the_table_says(
    name: str,
    desk: User,
    manager: User,
    regional: User,
    admin: User,
    outsider: User,
    location: Location,
) -> None:
    line = TABLE[name]
    expected = dict(zip(ROLES, map(int, line.expected.split()), strict=True))
    expected["visitor"] = line.visitor
    expected["elsewhere"] = line.elsewhere or (404 if line.thing else expected["manager"])
    cast = {
        "desk": desk,
        "manager": manager,
        "regional": regional,
        "admin": admin,
        "visitor": None,
        "elsewhere": outsider,
    }
    given = {role: answer(line, name, who, location) for role, who in cast.items()}
    assert given == expected


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_fragment_is_refused_as_the_page_is(
    name: str, desk: User, outsider: User, location: Location
) -> None:
    line = TABLE[name]
    headers = {"HX-Request": "true"}
    desk_gets, manager_gets = map(int, line.expected.split()[:2])
    elsewhere_gets = line.elsewhere or (404 if line.thing else manager_gets)
    for who, page in ((desk, desk_gets), (outsider, elsewhere_gets)):
        fragment = answer(line, name, who, location, headers=headers)
        assert fragment == (line.fragment or page) or {fragment, page} <= SEEN
    visitor = answer(line, name, None, location, headers=headers)
    assert visitor == (401 if line.visitor == 302 else line.visitor)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_foreign_location_cannot_be_picked(
    name: str, manager: User, location: Location, elsewhere: Location
) -> None:
    line = TABLE[name]
    assert answer(line, name, manager, location, query={"location": elsewhere.pk}) == 404


@pytest.mark.parametrize("picked", [0, -1, "x", "1 OR 1=1", "9" * 30])
def test_nor_can_a_location_that_is_none(picked: object, manager: User, location: Location) -> None:
    line = TABLE["preferences"]
    assert answer(line, "preferences", manager, location, query={"location": picked}) == 404
