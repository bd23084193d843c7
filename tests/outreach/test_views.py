"""The pages: who sees what, how many queries, the same with and without script."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from audit import clock
from outreach import selectors, services
from outreach.errors import Conflict, NotAllowed
from outreach.gate import conditions
from outreach.library import curation
from outreach.models import (
    Cap,
    Draft,
    Message,
    Offer,
    OutreachPolicy,
    Suppression,
    Switch,
    Template,
)
from outreach.sending import held
from outreach.sending.unsubscribe import token_for
from platforms.models import OutboxItem
from tests.factories.memberships import AppointmentFactory, LocationFactory
from tests.factories.outreach import make_draft, make_message, mirror_is_fresh, take_answer

pytestmark = pytest.mark.usefixtures("library")
HTMX = {"HX-Request": "true"}
BUDGET = 12
LOOKED = 1  # who was shown whom: written, not read, for all guests of the page at once
MOVABLE_CLOCK = 2  # asked by the view and by the head, only where the clock can be moved


@pytest.fixture
def enter():
    def signed_in(person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return signed_in


@pytest.fixture
def drafts(location) -> list[Draft]:
    return [make_draft(location, now=clock.now()) for _ in range(5)]


def post(client, name, draft, headers=None, **fields):
    path = reverse(name, args=[draft.pk])
    return client.post(path, {"version": draft.version, **fields}, headers=headers or {})


# --- Review -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 12])
def test_the_queue_takes_as_many_queries_for_many_as_for_one(enter, manager, location, now, count):
    for _ in range(count):
        make_draft(location, now=clock.now())
    client = enter(manager)
    client.get("/review/")
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/review/")
    assert page.status_code == 200
    assert page.content.count(b"data-row>") + page.content.count(b"data-row aria") >= count
    assert len(queries) <= BUDGET + LOOKED + MOVABLE_CLOCK, [query["sql"][:90] for query in queries]


def test_the_queue_shows_the_open_card_and_two_behind_it(enter, manager, drafts):
    html = enter(manager).get("/review/").content.decode()
    assert html.count("data-card=") == 3
    assert html.count("hidden inert") == 2
    assert "High 82" in html


def test_people_without_the_right_to_scores_see_none(drafts, desk, now):
    card = selectors.cards(list(Draft.objects.select_related(*selectors.WITH_ALL)[:1]),
                           user=desk, now=now)[0]  # fmt: skip
    assert card.score is None


def test_a_decision_without_script_leads_to_the_next_draft(enter, manager, drafts):
    client = enter(manager)
    answer = post(client, "draft-approve", drafts[0])
    assert answer.status_code == 302
    assert answer.url.startswith("/review/")
    assert b"Approved." in client.get(answer.url).content


def test_a_decision_by_script_brings_what_changed_and_one_card_more(enter, manager, drafts):
    shown = ",".join(str(draft.pk) for draft in drafts[:3])
    answer = post(enter(manager), "draft-approve", drafts[0], headers=HTMX, shown=shown, ready="2")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert f'id="row-{drafts[0].pk}" hx-swap-oob="delete"' in html
    assert [draft.pk for draft in drafts if f'data-card="{draft.pk}"' in html] == [drafts[3].pk]
    assert "4 left" in answer.headers["HX-Trigger"]


def test_a_double_press_is_one_decision(enter, manager, drafts):
    client = enter(manager)
    for _ in range(2):
        assert post(client, "draft-approve", drafts[0], headers=HTMX).status_code == 200
    assert Message.objects.count() == 1


def test_the_second_to_decide_gets_a_409_that_names_the_first(enter, manager, approver, drafts):
    services.approve_draft(draft_id=drafts[0].pk, version=1, by=approver, now=clock.now())
    answer = post(enter(manager), "draft-reject", drafts[0], headers=HTMX, reason="words")
    assert answer.status_code == 409
    assert f"{approver.get_full_name()} approved this" in answer.content.decode()


def test_typed_text_is_kept_when_somebody_was_quicker(enter, manager, approver, drafts):
    services.edit_draft(
        draft_id=drafts[0].pk, version=1, body=drafts[0].body + " ", subject="x", by=approver,
        now=clock.now(),
    )  # fmt: skip
    answer = post(enter(manager), "draft-edit", drafts[0], headers=HTMX, body="My own words. STOP")
    assert answer.status_code == 409
    assert "My own words. STOP" in answer.content.decode()


def test_a_text_longer_than_any_message_is_sent_back_whole(enter, manager, drafts):
    typed = "We miss you 💛 <b>now</b> " * 400
    answer = post(enter(manager), "draft-edit", drafts[0], headers=HTMX, body=typed)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "A text may have 5000 characters, this one has 10000" in html
    assert escape(typed.strip()) in html
    drafts[0].refresh_from_db()
    assert drafts[0].version == 1


def test_after_an_edit_the_counts_of_the_groups_are_right(enter, manager, drafts):
    body = drafts[0].body.replace("we miss", "we do miss")
    answer = post(enter(manager), "draft-edit", drafts[0], headers=HTMX, body=body)
    html = answer.content.decode()
    assert '<nav id="count" hx-swap-oob="innerHTML">' in html
    assert 'Changed text <span class="meta">1</span>' in html
    own = post(enter(manager), "draft-edit", drafts[1], headers=HTMX, body=body, page="own")
    assert 'id="count"' not in own.content.decode()
    assert 'name="page" value="own"' in own.content.decode()


def test_a_picked_location_stays_picked_through_edits_and_decisions(
    enter, regional, location, elsewhere
):
    """The cards that come after a decision post the location on, or others would follow them."""
    regional.locations.add(elsewhere)
    here = [make_draft(location, now=clock.now()) for _ in range(3)]
    there = make_draft(elsewhere, now=clock.now())
    client = enter(regional)
    kept = f'<input type="hidden" name="location" value="{location.pk}">'
    form = {"location": location.pk, "shown": f"{here[0].pk},{here[1].pk}", "ready": 0}
    answer = post(client, "draft-reject", here[0], headers=HTMX, reason="person", **form)
    html = answer.content.decode()
    assert f'data-card="{here[2].pk}"' in html
    assert f'data-card="{there.pk}"' not in html
    assert kept in html[html.index(f'data-card="{here[2].pk}"') :]
    assert f"location={location.pk}" in html[: html.index("data-card")]
    changed = here[1].body.replace("we miss", "we do miss")
    answer = post(client, "draft-edit", here[1], headers=HTMX, body=changed, **form)
    assert kept in answer.content.decode()
    stale = post(client, "draft-edit", here[1], headers=HTMX, body=changed, **form)
    assert stale.status_code == 409
    assert kept in stale.content.decode()


def test_what_speaks_against_a_draft_stands_above_its_words(enter, manager, drafts):
    Draft.objects.filter(pk=drafts[0].pk).update(body=drafts[0].body + " https://evil.example")
    html = enter(manager).get(reverse("review-draft", args=[drafts[0].pk])).content.decode()
    assert html.index('<li class="error">') < html.index('class="phone"')
    assert f'aria-describedby="draft-{drafts[0].pk}-why"' in html
    assert f'id="draft-{drafts[0].pk}-why"' in html


def test_what_blocks_cannot_be_waved_through_by_the_form(enter, manager, drafts):
    drafts[0].guest.sms_marketing = False
    drafts[0].guest.save()
    answer = post(enter(manager), "draft-approve", drafts[0], headers=HTMX, care="1")
    assert answer.status_code == 422
    assert "No consent" in answer.content.decode()


def test_a_page_restored_from_history_is_whole(enter, manager, drafts):
    headers = HTMX | {"HX-History-Restore-Request": "true"}
    assert b"<html" in enter(manager).get("/review/", headers=headers).content


def test_group_approval_lists_everything_first_and_takes_library_text_only(
    enter, manager, approver, drafts
):
    changed = services.edit_draft(
        draft_id=drafts[1].pk, version=1, subject="", by=approver, now=clock.now(),
        body=drafts[1].body.replace("we miss", "we do miss"),
    )  # fmt: skip
    client = enter(manager)
    picked = [drafts[0].pk, changed.pk]
    sheet = client.get("/review/together/", {"draft": picked}).content.decode()
    assert "1 draft was left out" in sheet
    assert "Approve 1, $" in sheet
    assert "20" not in sheet or "offer_until" in sheet
    client.post(
        "/review/together/", {"pick": [f"{drafts[0].pk}:1", f"{changed.pk}:{changed.version}"]}
    )
    assert list(Message.objects.values_list("draft_id", flat=True)) == [drafts[0].pk]


def test_amounts_of_two_currencies_are_not_added_for_group_approval(
    enter, regional, location, elsewhere
):
    type(elsewhere).objects.filter(pk=elsewhere.pk).update(currency="EUR")
    regional.locations.add(elsewhere)
    pair = [make_draft(place, now=clock.now()) for place in (location, elsewhere)]
    sheet = enter(regional).get("/review/together/", {"draft": [d.pk for d in pair]})
    assert sheet.context["costs"] == [("EUR", pair[1].cost_cents), ("USD", pair[0].cost_cents)]


# --- Outgoing -----------------------------------------------------------------------------------


def test_outgoing_counts_only_the_places_of_the_person(manager, admin, location, elsewhere):
    now = clock.now()
    make_message(location, now=now)
    make_message(elsewhere, now=now)
    mine = selectors.outgoing(manager, None, view="waiting", now=now)
    assert (mine.counts["waiting"], len(mine.rows)) == (1, 1)
    assert selectors.outgoing(admin, None, view="waiting", now=now).counts["waiting"] == 2
    assert selectors.outgoing(admin, elsewhere.pk, view="waiting", now=now).counts["waiting"] == 1


def test_a_tab_counts_no_further_than_it_says(manager, location, monkeypatch):
    now = clock.now()
    for _ in range(4):
        make_message(location, now=now)
    monkeypatch.setattr("outreach.selectors.outgoing_page.MOST_COUNTED", 2)
    page = selectors.outgoing(manager, None, view="waiting", now=now)
    assert selectors.many(page.counts["waiting"]) == "2+"
    assert len(page.rows) == 4


def test_outgoing_says_what_waits_and_why(enter, manager, location, regional):
    now = clock.now()
    mirror_is_fresh(location, now)
    message = make_message(location, now=now)
    services.stop_sending(scope="play", key=message.play_id, reason="Wrong", by=regional, now=now)
    client = enter(manager)
    client.get("/outgoing/")
    with CaptureQueriesContext(connection) as queries:
        html = client.get("/outgoing/").content.decode()
    assert message.guest.name in html
    assert f"Sending is stopped: {message.play.name}" in html
    assert "Whoever may resume sending does so above." in html
    assert len(queries) <= BUDGET + LOOKED + MOVABLE_CLOCK, [query["sql"][:90] for query in queries]


def test_every_reason_to_hold_a_message_says_what_to_do():
    assert set(held.REMEDY) == set(conditions.HELD)
    assert held.words("") == ("", "")


def test_a_message_held_by_the_hour_shows_when_it_leaves(location, now):
    message = make_message(location, now=now)
    night = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # 22:00 the evening before, in New York
    mirror_is_fresh(location, night)
    (row,) = selectors.outgoing_rows([message], now=night)
    assert row.held.startswith("Outside calling hours")
    assert row.leaves_at == datetime(2026, 11, 21, 14, 0, tzinfo=UTC)  # 9:00 there
    assert row.todo == ""


@pytest.mark.parametrize(
    ("said", "is_called"), [("STOP", "confirms a stop"), ("HELP", "answers HELP")]
)
@pytest.mark.parametrize(
    ("view", "state"),
    [("waiting", "ready"), ("sending", "sending"), ("trouble", "dead"), ("sent", "sent")],
)
def test_outgoing_shows_what_no_play_wrote(enter, manager, location, said, is_called, view, state):
    """The confirmation of a stop belongs to no play and no person."""
    at = clock.now()
    written = make_message(location, now=at - timedelta(hours=2))
    OutboxItem.objects.filter(pk=written.outbox_id).update(state="sent", sent_at=at)
    take_answer(said, guest=written.guest, now=at)
    own = Message.objects.exclude(purpose="outreach").get()
    assert (own.play, own.approved_by) == (None, None)
    OutboxItem.objects.filter(pk=own.outbox_id).update(
        state=state,
        sent_at=at if state == "sent" else None,
        leased_until=at + timedelta(minutes=1) if state == "sending" else None,
    )
    page = enter(manager).get("/outgoing/", {"view": view})
    assert page.status_code == 200
    assert is_called in page.content.decode()


def test_outgoing_names_the_location_where_it_is_not_picked(
    enter, regional, location, elsewhere, now
):
    regional.locations.add(elsewhere)
    make_message(location, now=clock.now())
    client = enter(regional)
    place = f'<span class="meta">{location}</span>'
    assert place in client.get("/outgoing/").content.decode()
    assert place not in client.get(f"/outgoing/?location={location.pk}").content.decode()


def test_cancelling_from_outgoing(enter, manager, location):
    message = make_message(location, now=clock.now())
    client = enter(manager)
    client.post(reverse("message-cancel", args=[message.pk]))
    message.outbox.refresh_from_db()
    assert message.outbox.state == "withdrawn"


def test_stop_is_one_click_and_resume_takes_reason_and_password(enter, desk, regional):
    regional.set_password("a long enough secret")
    regional.save()
    assert enter(desk).post("/sending/stop/").status_code == 302
    switch = Switch.objects.get()
    assert switch.stopped
    client = enter(regional)
    path = reverse("sending-resume", args=[switch.pk])
    assert client.post(path, {"reason": "Over", "password": "wrong"}).status_code == 422
    assert client.post(path, {"reason": "", "password": "a long enough secret"}).status_code == 422
    switch.refresh_from_db()
    assert switch.stopped
    assert (
        client.post(path, {"reason": "Over", "password": "a long enough secret"}).status_code == 302
    )
    switch.refresh_from_db()
    assert not switch.stopped


def test_a_switch_for_a_location_elsewhere_does_not_exist(enter, desk, elsewhere):
    answer = enter(desk).post("/sending/stop/", {"location": str(elsewhere.pk)})
    assert answer.status_code == 404
    assert not Switch.objects.exists()


# --- Answers ------------------------------------------------------------------------------------


def test_the_way_out_of_an_e_mail_takes_one_post(location):
    message = make_message(location, now=clock.now(), sms_marketing=False)
    path = reverse("unsubscribe", args=[token_for(message)])
    client = Client(enforce_csrf_checks=True)
    assert client.get(path).status_code == 200
    assert not Suppression.objects.exists()
    assert client.post(path).status_code == 200
    assert Suppression.objects.get().address == message.address
    assert client.get("/leave/forged/").status_code == 404


def test_the_conversation_tells_message_answer_and_the_booking_after(location, now):
    message = make_message(location, now=now)
    message.outbox.state, message.outbox.sent_at = "sent", now
    message.outbox.save()
    message.delivery = "delivered"
    message.save()
    take_answer("Yes", guest=message.guest, now=now + timedelta(minutes=5))
    AppointmentFactory(guest=message.guest, booked_at=now + timedelta(days=2))
    AppointmentFactory(guest=message.guest, booked_at=now - timedelta(days=2))
    with CaptureQueriesContext(connection) as queries:
        lines = selectors.conversation(message.guest)
    assert [line.kind for line in lines] == ["booking", "reply", "message"]
    assert "2 days after" in lines[0].title
    assert lines[2].detail == "delivered"
    assert len(queries) == 3


# --- Library and rules --------------------------------------------------------------------------

OFFER = {
    "name": "Free tea", "kind": "service", "wording": "a tea on the house", "wording_es": "",
    "cost": "2.50", "causes": ["season"], "min_tenure_days": "0", "again_after_days": "30",
    "valid_days": "14", "rank": "60",
}  # fmt: skip


def test_an_offer_is_proposed_by_one_and_approved_by_another(enter, manager, regional, admin):
    assert enter(manager).post("/settings/offers/add/", OFFER).status_code == 302
    offer = Offer.objects.get(name="Free tea")
    assert (offer.status, offer.cost_cents) == ("proposed", 250)
    enter(regional).post(reverse("settings-offer-status", args=[offer.pk]), {"status": "active"})
    offer.refresh_from_db()
    assert offer.status == "active"


def test_nobody_approves_an_offer_of_their_own(regional, now):
    offer = Offer.objects.create(
        name="x", kind="service", wording="x", cost_cents=1, proposed_by=regional
    )
    with pytest.raises(NotAllowed, match="someone else"):
        curation.set_offer_status(offer_id=offer.pk, status="active", by=regional, now=now)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"wording": ""}, "wording"),
        ({"wording": "a {secret} thing"}, "wording"),
        ({"wording": "a cure"}, "wording"),
        ({"kind": "percent"}, "percent"),
        ({"kind": "credit"}, "amount"),
        ({"cost": "-1"}, "cost"),
    ],
)
def test_an_offer_that_makes_no_sense_is_sent_back_with_what_was_typed(
    enter, manager, change, field
):
    answer = enter(manager).post("/settings/offers/add/", OFFER | change)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert b"Free tea" in answer.content


def test_a_new_version_of_a_text_replaces_the_old_one_only_when_approved(enter, manager, regional):
    old = Template.objects.get(slug="sms-away-words-en")
    page = reverse("settings-template", args=[old.pk])
    body = "Hello {first_name}, {business} {location} here. Shall we book? Reply STOP to opt out."
    fields = {
        "name": old.name, "play": old.play_id, "cause": old.cause, "channel": "sms",
        "language": "en", "subject": "", "body": body,
    }  # fmt: skip
    assert b"Preview" in enter(manager).post(page, fields | {"act": "preview"}).content
    assert enter(manager).post(page, fields).status_code == 302
    new = Template.objects.get(slug=old.slug, version=2)
    old.refresh_from_db()
    assert (old.status, new.status) == ("active", "proposed")
    enter(regional).post(reverse("settings-template-status", args=[new.pk]), {"status": "active"})
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.status, new.status) == ("retired", "active")


@pytest.mark.parametrize(
    "body",
    [
        "Hi {first_name}, {business}. No way out.",
        "Hi {first_name}. Reply STOP to opt out.",
        "Hi {first_name}, {business}: it heals. Reply STOP.",
        "Hi {nobody}, {business}. Reply STOP.",
        "Hi, {business}. Reply CANCEL to cancel. Reply STOP.",
    ],
)
def test_a_text_that_breaks_a_rule_is_sent_back(enter, manager, body):
    fields = {
        "name": "x", "play": "at-risk-check-in", "cause": "", "channel": "sms", "language": "en",
        "subject": "", "body": body,
    }  # fmt: skip
    assert enter(manager).post("/settings/templates/add/", fields).status_code == 422
    assert not Template.objects.filter(name="x").exists()


def test_the_rules_are_read_by_many_and_changed_by_few(enter, manager, regional, admin):
    current = OutreachPolicy.current()
    fields = {
        "outgoing_minutes": "15", "hold_minutes": "60", "weekly_cap": "2", "approval_hours": "72",
        "quiet_from": "20:00",
        "quiet_until": "09:00", "four_eyes_on_edits": "on", "location_day_cents": "300",
        "play_month_cents": "5000.50", "business_month_cents": "10000", "stale_after_hours": "26",
        "stop_ends_all_on": "2026-01-01",
    }  # fmt: skip
    assert enter(manager).post("/settings/policy/", fields).status_code == 422
    current.refresh_from_db()
    assert current.outgoing_minutes == 5
    assert enter(admin).post("/settings/policy/", fields | {"weekly_cap": "99"}).status_code == 422
    assert enter(admin).post("/settings/policy/", fields).status_code == 302
    current.refresh_from_db()
    assert (current.outgoing_minutes, current.play_month_cents) == (15, 500_050)
    page = enter(admin).get("/settings/policy/").content.decode()
    assert 'value="5000.50"' in page
    wrong = enter(admin).post("/settings/policy/", fields | {"location_day_cents": "10001"})
    assert "may not cost more" in wrong.content.decode()


@pytest.mark.parametrize(
    ("day", "status"),
    [
        ("9999-12-31", 422),
        ("1999-01-01", 422),
        ("2024-12-31", 422),
        ("2027-02-01", 422),
        ("2025-01-01", 302),
        ("2027-01-31", 302),
    ],
)
def test_a_stop_ends_everything_by_the_day_of_the_law_at_the_latest(enter, admin, day, status):
    before = OutreachPolicy.current().stop_ends_all_on
    fields = {
        "outgoing_minutes": "5", "hold_minutes": "60", "weekly_cap": "2", "approval_hours": "72",
        "quiet_from": "20:00", "quiet_until": "09:00", "location_day_cents": "300",
        "play_month_cents": "5000", "business_month_cents": "10000", "stale_after_hours": "26",
    }  # fmt: skip
    answer = enter(admin).post("/settings/policy/", fields | {"stop_ends_all_on": day})
    assert answer.status_code == status
    if status == 422:
        assert "Choose a day from 1 January 2025 to 31 January 2027" in answer.content.decode()
        assert OutreachPolicy.current().stop_ends_all_on == before
    else:
        assert f"{OutreachPolicy.current().stop_ends_all_on}" == day


def test_each_currency_has_limits_of_its_own_where_there_are_several(enter, admin, location):
    LocationFactory(name="Toronto", currency="CAD", country="CA", time_zone="America/Toronto")
    page = enter(admin).get("/settings/policy/").content.decode()
    assert "What the offers of a play may cost in a month (CAD)" in page
    fields = {
        "outgoing_minutes": "5", "hold_minutes": "60", "weekly_cap": "2", "approval_hours": "72",
        "quiet_from": "20:00", "quiet_until": "09:00", "location_day_cents": "300",
        "play_month_cents": "5000", "business_month_cents": "10000", "stale_after_hours": "26",
        "stop_ends_all_on": "2026-01-01", "play_month_CAD": "6800.50", "location_day_USD": "",
    }  # fmt: skip
    assert enter(admin).post("/settings/policy/", fields).status_code == 302
    current = OutreachPolicy.current()
    assert current.limits_by_currency == {"CAD": {"play_month": 680_050}}
    assert current.limit_cents(Cap.Scope.PLAY_MONTH, "CAD") == 680_050
    assert current.limit_cents(Cap.Scope.PLAY_MONTH, "USD") == 500_000
    assert 'value="6800.50"' in enter(admin).get("/settings/policy/").content.decode()
    for wrong in ({"play_month_CAD": "10000.01"}, {"location_day_CAD": "-1"}):
        assert enter(admin).post("/settings/policy/", fields | wrong).status_code == 422
    assert (
        enter(admin).post("/settings/policy/", fields | {"play_month_CAD": ""}).status_code == 302
    )
    assert OutreachPolicy.current().limits_by_currency == {}


def test_limits_of_today_follow_the_rules_but_never_below_what_is_used(draft, manager, admin, now):
    message = services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)
    curation.change_policy(data={"location_day_cents": 1}, by=admin, now=now)
    from outreach.models import Cap

    assert Cap.objects.get(scope="location_day").limit_cents == message.cost_cents


def test_the_head_of_every_page_says_whether_messages_leave(
    desk, outsider, location, regional, now
):
    assert not selectors.automation_state(desk).is_stopped
    services.stop_sending(
        scope="location", key=str(location.pk), reason="Flood", by=regional, now=now
    )
    assert selectors.automation_state(desk).is_stopped
    assert not selectors.automation_state(outsider).is_stopped


def test_deciding_together_answers_each_refusal(manager, drafts):
    done, refused = services.approve_as_is(
        picks=[(drafts[0].pk, 1), (drafts[0].pk, 9), (999_999, 1)], by=manager, now=clock.now()
    )
    assert len(done) == 1
    assert set(refused) == {drafts[0].pk, 999_999}
    with pytest.raises(Conflict):
        services.reject_draft(
            draft_id=drafts[0].pk, version=1, reason="words", note="", by=manager, now=clock.now()
        )
