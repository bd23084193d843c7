"""Decisions: one winner, the right person, the right words, everything or nothing."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import LedgerEntry
from memberships.models import Guest
from outreach import services
from outreach.errors import (
    AlreadyLeft,
    CapReached,
    ChecksFailed,
    Conflict,
    NeedsCare,
    NotAllowed,
)
from outreach.gate import caps
from outreach.library import curation
from outreach.models import Cap, Draft, LibraryStatus, Message, Offer, OutreachPolicy, Suppression
from outreach.services import decisions
from outreach.transitions import DRAFT
from platforms.models import OutboxItem
from tests.factories.memberships import LocationFactory
from tests.factories.outreach import guest_of, make_draft

pytestmark = pytest.mark.usefixtures("library")


def approve(draft, by, now, **more):
    return services.approve_draft(draft_id=draft.pk, version=draft.version, by=by, now=now, **more)


def edit(draft, by, now, body=None):
    return services.edit_draft(
        draft_id=draft.pk,
        version=draft.version,
        body=body or draft.body.replace("Would a day", "Would some day"),
        subject="",
        by=by,
        now=now,
    )


def reject(draft, by, now, reason="words", note=""):
    return services.reject_draft(
        draft_id=draft.pk, version=draft.version, reason=reason, note=note, by=by, now=now
    )


def test_every_status_says_what_may_follow():
    final = set(Draft.Status) - set(DRAFT)
    assert final == {Draft.Status.EXPIRED, Draft.Status.WITHDRAWN}
    assert all(after for after in DRAFT.values())


def test_approving_queues_the_approved_words_to_leave_after_the_outgoing_time(draft, manager, now):
    message = approve(draft, manager, now)
    draft.refresh_from_db()
    assert draft.status == Draft.Status.APPROVED
    assert message.body == draft.body
    item = message.outbox
    assert item.state == OutboxItem.State.READY
    assert item.due_at == now + timedelta(minutes=5)
    assert item.payload == {"to": draft.address, "subject": "", "body": draft.body}
    assert item.approval == draft.approval_hash
    entry = LedgerEntry.objects.get(event="draft.approved")
    assert entry.guest_id == draft.guest_id
    assert draft.guest.first_name not in entry.body


def test_approving_sets_the_cost_aside_under_all_three_limits(draft, manager, now):
    message = approve(draft, manager, now)
    assert message.reservation == Message.Reservation.RESERVED
    assert draft.cost_cents > 0
    assert {c.scope: c.reserved_cents for c in Cap.objects.all()} == {
        "location_day": draft.cost_cents,
        "play_month": draft.cost_cents,
        "business_month": draft.cost_cents,
    }


def test_a_cost_over_any_limit_is_refused_and_nothing_changes(draft, manager, now):
    OutreachPolicy.objects.update_or_create(pk=1, defaults={"play_month_cents": 100})
    with pytest.raises(ChecksFailed, match="limit"):
        approve(draft, manager, now)
    draft.refresh_from_db()
    assert draft.status == Draft.Status.PENDING
    assert not OutboxItem.objects.exists()


def test_a_limit_used_up_between_check_and_reservation_still_holds(
    draft, manager, now, monkeypatch
):
    OutreachPolicy.objects.update_or_create(pk=1, defaults={"play_month_cents": 100})
    monkeypatch.setattr(decisions.rules, "check_fit", lambda results, care: None)
    with pytest.raises(CapReached):
        approve(draft, manager, now)
    assert not Cap.objects.filter(reserved_cents__gt=0).exists()
    assert not Message.objects.exists()


def test_approving_twice_is_one_approval(draft, manager, now):
    first = approve(draft, manager, now)
    second = approve(draft, manager, now + timedelta(seconds=1))
    assert first.pk == second.pk
    assert OutboxItem.objects.count() == 1
    assert LedgerEntry.objects.filter(event="draft.approved").count() == 1


def test_the_second_to_decide_hears_who_was_quicker(draft, manager, approver, now):
    approve(draft, manager, now)
    with pytest.raises(Conflict, match=rf"{manager.get_full_name()} approved this at 12:00"):
        approve(draft, approver, now)
    with pytest.raises(Conflict, match="approved this at 12:00"):
        reject(draft, approver, now)


def test_words_taken_back_to_the_library_are_nobodys(draft, manager, now):
    """Not the machine's either: what is left is the text everybody knows."""
    Draft.objects.filter(pk=draft.pk).update(
        group="changed",
        body="Other words.",
        worded_at=now,
        worded_by="wording-1",
        prompt_version="3",
        shaped_by_guest_text=True,
    )
    back = services.edit_draft(
        draft_id=draft.pk, version=draft.version, body=draft.library_body,
        subject=draft.library_subject, by=manager, now=now,
    )  # fmt: skip
    back.refresh_from_db()
    assert (back.worded_by, back.prompt_version, back.shaped_by_guest_text) == ("", "", False)
    assert back.writers == []


def test_an_edit_voids_what_others_saw(draft, manager, approver, now):
    edit(draft, manager, now)
    with pytest.raises(Conflict, match="changed meanwhile"):
        approve(draft, approver, now)


def test_a_decision_counts_only_for_the_version_that_was_seen(draft, manager, now):
    Draft.objects.filter(pk=draft.pk).update(version=5)  # after it was read, whatever was locked
    with pytest.raises(Conflict, match="quicker"):
        decisions._decide(
            draft, version=1, status=Draft.Status.REJECTED, decided_by=manager, decided_at=now
        )
    draft.refresh_from_db()
    assert draft.status == Draft.Status.PENDING


def test_a_decision_counts_only_while_the_status_is_what_was_read(draft, manager, now):
    Draft.objects.filter(pk=draft.pk).update(status="withdrawn")
    with pytest.raises(Conflict, match="quicker"):
        decisions._decide(
            draft, version=1, status=Draft.Status.REJECTED, decided_by=manager, decided_at=now
        )


def test_only_the_very_same_press_is_the_same_approval(draft, manager, now):
    approve(draft, manager, now)
    undone = undo(draft, manager, now)
    assert undone.version == 3  # what was seen before counts no more
    with pytest.raises(Conflict, match="changed meanwhile"):
        services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)
    approve(undone, manager, now)
    with pytest.raises(Conflict, match="approved this"):
        services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)


def test_what_comes_back_or_is_put_off_leaves_a_day_to_decide(draft, manager, now):
    late = draft.expires_at - timedelta(hours=2)
    until = late + timedelta(days=2)
    services.snooze_draft(draft_id=draft.pk, version=1, until=until, by=manager, now=late)
    draft.refresh_from_db()
    assert draft.expires_at == until + timedelta(days=1)
    late = draft.expires_at - timedelta(hours=2)
    approve(draft, manager, late)
    assert undo(draft, manager, late).expires_at == late + timedelta(days=1)


def test_no_approval_is_recalled_where_there_is_none(draft, manager, now):
    reject(draft, manager, now)
    with pytest.raises(Conflict, match="rejected this"):
        decisions.recall_approval(draft_id=draft.pk, message_id=1, reason="old", now=now)


def test_a_draft_of_elsewhere_is_gone_for_who_approves_a_group(draft, outsider, now):
    done, refused = services.approve_as_is(picks=[(draft.pk, 1)], by=outsider, now=now)
    assert (done, refused) == ([], {draft.pk: "This draft is gone."})


def test_nobody_approves_their_own_words(draft, manager, approver, admin, now):
    changed = edit(draft, manager, now)
    with pytest.raises(NotAllowed, match="someone else must approve"):
        approve(changed, manager, now)
    assert approve(changed, approver, now).body == changed.body


def test_four_eyes_bind_administrators_too(draft, admin, now):
    changed = edit(draft, admin, now)
    with pytest.raises(NotAllowed, match="someone else must approve"):
        approve(changed, admin, now)


def test_policy_may_do_without_four_eyes(draft, manager, now):
    OutreachPolicy.objects.update_or_create(pk=1, defaults={"four_eyes_on_edits": False})
    assert approve(edit(draft, manager, now), manager, now)


@pytest.mark.parametrize("who", ["desk", "outsider"])
def test_the_desk_and_managers_elsewhere_decide_nothing(draft, now, request, who):
    person = request.getfixturevalue(who)
    for verb in (approve, reject, edit):
        with pytest.raises(NotAllowed):
            verb(draft, person, now)


def snooze(draft, by, now):
    return services.snooze_draft(
        draft_id=draft.pk, version=draft.version, until=now + timedelta(days=2), by=by, now=now
    )


def undo(draft, by, now):
    return services.undo_decision(draft_id=draft.pk, by=by, now=now)


def cancel(draft, by, now):
    return services.cancel_message(message_id=draft.messages.get().pk, by=by, now=now)


def retry(draft, by, now):
    OutboxItem.objects.update(state="dead")
    return services.retry_message(message_id=draft.messages.get().pk, by=by, now=now)


def settle(draft, by, now):
    OutboxItem.objects.update(state="uncertain")
    return services.settle_uncertain(
        message_id=draft.messages.get().pk, was_sent=True, by=by, now=now
    )


@pytest.mark.parametrize(
    ("first", "verb"),
    [(None, snooze), (approve, undo), (reject, undo), (approve, cancel), (approve, retry),
     (approve, settle)],
)  # fmt: skip
def test_nobody_else_puts_off_takes_back_or_repeats_either(
    draft, manager, desk, outsider, now, first, verb
):
    if first is not None:
        first(draft, manager, now)
    for person in (desk, outsider):
        with pytest.raises(NotAllowed):
            verb(draft, person, now)
    assert verb(draft, manager, now)


@pytest.mark.parametrize("verb", [edit, reject, snooze])
def test_what_was_decided_or_has_expired_is_changed_by_nobody(draft, manager, now, verb):
    with pytest.raises(Conflict, match="expired"):
        verb(draft, manager, draft.expires_at)
    approve(draft, manager, now)
    draft.refresh_from_db()  # its version as it is now
    with pytest.raises(Conflict, match="approved this"):
        verb(draft, manager, now)


def test_an_offer_above_ones_limit_needs_somebody_with_a_wider_one(draft, manager, regional, now):
    manager.approval_limit_cents = draft.cost_cents - 1
    manager.save()
    with pytest.raises(NotAllowed, match="higher limit"):
        approve(draft, manager, now)
    assert approve(draft, regional, now)


def test_consent_withdrawn_since_drafting_blocks(draft, manager, now):
    guest = guest_of(draft)
    guest.sms_marketing = False
    guest.save()
    with pytest.raises(ChecksFailed, match="No consent"):
        approve(draft, manager, now, care=True)


def test_an_offer_changed_since_drafting_blocks(draft, manager, now):
    Offer.objects.filter(pk=draft.offer_id).update(cost_cents=1, version=2)
    with pytest.raises(ChecksFailed, match="offer changed"):
        approve(draft, manager, now, care=True)


def test_a_retired_offer_blocks(draft, manager, now):
    Offer.objects.filter(pk=draft.offer_id).update(status=LibraryStatus.RETIRED)
    with pytest.raises(ChecksFailed, match="no longer in the library"):
        approve(draft, manager, now, care=True)


def test_a_warning_takes_the_extra_key(library, location, manager, approver, now):
    make_draft(location, first_name="Bella")
    draft = make_draft(location)
    changed = edit(
        draft, manager, now, draft.body.replace("Would a day", "Kim and Bella ask: a day")
    )
    assert changed.group == Draft.Group.NEEDS_CARE
    with pytest.raises(NeedsCare, match="Bella"):
        approve(changed, approver, now)
    assert approve(changed, approver, now, care=True)


def test_an_expired_draft_cannot_be_approved(draft, manager, now):
    with pytest.raises(Conflict, match="expired"):
        approve(draft, manager, now + timedelta(days=6))


def test_expiry_closes_drafts_once(draft, now):
    assert services.expire_drafts(now=now + timedelta(days=4)) == 0
    assert services.expire_drafts(now=now + timedelta(days=6)) == 1
    assert services.expire_drafts(now=now + timedelta(days=6)) == 0
    assert LedgerEntry.objects.filter(event="draft.expired").count() == 1


def test_a_rejection_keeps_reason_and_note(draft, manager, now):
    reject(draft, manager, now, reason="offer", note="She has this already")
    draft.refresh_from_db()
    assert (draft.status, draft.rejection) == (Draft.Status.REJECTED, Draft.Rejection.OFFER)
    assert draft.rejection_note == "She has this already"
    services.reject_draft(  # a double press changes nothing
        draft_id=draft.pk, version=1, reason="words", note="", by=manager, now=now
    )
    assert LedgerEntry.objects.filter(event="draft.rejected").count() == 1


def test_edit_back_to_the_library_text_is_no_edit(draft, manager, now):
    changed = edit(draft, manager, now)
    assert changed.group == Draft.Group.CHANGED
    back = edit(changed, manager, now, changed.library_body)
    assert back.group == Draft.Group.LIBRARY
    assert back.edited_by is None


def test_who_wrote_first_cannot_approve_after_another_pair_of_hands(draft, manager, approver, now):
    first = edit(draft, manager, now)
    second = edit(first, approver, now, first.body + " See you soon.")
    with pytest.raises(NotAllowed, match="someone else must approve"):
        approve(second, manager, now, care=True)
    with pytest.raises(NotAllowed, match="someone else must approve"):
        approve(second, approver, now, care=True)


def test_snoozed_drafts_come_back_at_their_time(draft, manager, now):
    until = now + timedelta(days=2)
    services.snooze_draft(
        draft_id=draft.pk, version=draft.version, until=until, by=manager, now=now
    )
    assert not Draft.objects.due(now).exists()
    assert Draft.objects.snoozed(now).count() == 1
    assert Draft.objects.due(until).count() == 1


def test_a_booking_or_answer_brings_a_snoozed_draft_back_early(draft, manager, now):
    services.snooze_draft(
        draft_id=draft.pk,
        version=draft.version,
        until=now + timedelta(days=2),
        by=manager,
        now=now,
    )
    assert services.wake_snoozed(guest_ids=[draft.guest_id], now=now) == 1
    assert Draft.objects.due(now).exists()


def test_undo_takes_an_approval_back_and_gives_the_money_back(draft, manager, now):
    message = approve(draft, manager, now)
    undone = services.undo_decision(draft_id=draft.pk, by=manager, now=now)
    assert undone.status == Draft.Status.PENDING
    message.refresh_from_db()
    assert message.outbox.state == OutboxItem.State.WITHDRAWN
    assert message.reservation == Message.Reservation.VOIDED
    assert set(Cap.objects.values_list("reserved_cents", flat=True)) == {0}


def test_what_is_taken_back_is_looked_at_anew(draft, manager, now):
    approve(draft, manager, now)
    Guest.objects.filter(pk=draft.guest_id).update(sms_marketing=False)
    undone = services.undo_decision(draft_id=draft.pk, by=manager, now=now)
    assert "consent" in [check["check"] for check in undone.checks if not check["ok"]]


def test_a_cost_is_given_back_or_spent_once_however_often_it_is_settled(draft, manager, now):
    message = approve(draft, manager, now)
    policy = OutreachPolicy.current()
    for _ in range(2):
        caps.void(Message.objects.select_related("location").get(pk=message.pk), policy=policy)
    caps.post(Message.objects.select_related("location").get(pk=message.pk), policy=policy)
    assert set(Cap.objects.values_list("reserved_cents", "spent_cents")) == {(0, 0)}


def test_approved_again_after_undo_is_a_new_effect(draft, manager, now):
    first = approve(draft, manager, now)
    undone = services.undo_decision(draft_id=draft.pk, by=manager, now=now)
    second = approve(undone, manager, now)
    assert first.outbox_id != second.outbox_id
    assert second.outbox.state == OutboxItem.State.READY


def test_what_has_left_cannot_be_undone_or_cancelled(draft, manager, now):
    message = approve(draft, manager, now)
    OutboxItem.objects.filter(pk=message.outbox_id).update(
        state="sending", leased_until=now + timedelta(minutes=1)
    )
    with pytest.raises(AlreadyLeft, match="Too late"):
        services.undo_decision(draft_id=draft.pk, by=manager, now=now)
    with pytest.raises(AlreadyLeft):
        services.cancel_message(message_id=message.pk, by=manager, now=now)
    draft.refresh_from_db()
    assert draft.status == Draft.Status.APPROVED


def test_cancelling_withdraws_message_and_draft_for_good(draft, manager, now):
    message = approve(draft, manager, now)
    services.cancel_message(message_id=message.pk, by=manager, now=now)
    services.cancel_message(message_id=message.pk, by=manager, now=now)
    draft.refresh_from_db()
    assert draft.status == Draft.Status.WITHDRAWN
    assert LedgerEntry.objects.filter(event="message.cancelled").count() == 1
    with pytest.raises(Conflict):
        services.undo_decision(draft_id=draft.pk, by=manager, now=now)


def test_a_rejection_can_be_taken_back_for_a_working_day(draft, manager, now):
    reject(draft, manager, now)
    with pytest.raises(Conflict, match="too long ago"):
        services.undo_decision(draft_id=draft.pk, by=manager, now=now + timedelta(hours=9))
    assert services.undo_decision(draft_id=draft.pk, by=manager, now=now).status == "pending"


def test_a_failed_ledger_entry_undoes_the_approval(draft, manager, now, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("no ledger")

    monkeypatch.setattr(decisions.audit, "record_about", fail)
    with pytest.raises(RuntimeError):
        approve(draft, manager, now)
    draft.refresh_from_db()
    assert draft.status == Draft.Status.PENDING
    assert not OutboxItem.objects.exists()
    assert not Cap.objects.filter(reserved_cents__gt=0).exists()


def test_group_approval_takes_library_text_only(library, location, manager, approver, now):
    plain, changed = make_draft(location), make_draft(location)
    changed = edit(changed, manager, now)
    done, refused = services.approve_as_is(
        picks=[(plain.pk, plain.version), (changed.pk, changed.version)], by=approver, now=now
    )
    assert [message.draft_id for message in done] == [plain.pk]
    assert "library text" in refused[changed.pk]


def test_drafts_whose_situation_is_over_are_withdrawn_with_the_reason(draft, manager, now):
    assert services.withdraw_drafts(draft_ids=[draft.pk], reason="They booked.", now=now) == 1
    assert services.withdraw_drafts(draft_ids=[draft.pk], reason="They booked.", now=now) == 0
    assert LedgerEntry.objects.filter(event="draft.withdrawn").count() == 1


def test_anybody_may_stop_and_only_some_may_resume(draft, desk, manager, regional, now):
    services.stop_sending(scope="all", key="", reason="Fire alarm", by=desk, now=now)
    with pytest.raises(NotAllowed):
        services.resume_sending(scope="all", key="", reason="Over", by=manager, now=now)
    with pytest.raises(NotAllowed, match="Say why"):
        services.resume_sending(scope="all", key="", reason=" ", by=regional, now=now)
    assert not services.resume_sending(
        scope="all", key="", reason="Over", by=regional, now=now
    ).stopped


def test_a_location_is_stopped_by_those_who_serve_it(location, outsider, desk, now):
    with pytest.raises(NotAllowed):
        services.stop_sending(
            scope="location", key=str(location.pk), reason="", by=outsider, now=now
        )
    assert services.stop_sending(
        scope="location", key=str(location.pk), reason="", by=desk, now=now
    ).stopped


def test_an_address_is_suppressed_once(now):
    more = {"channel": "sms", "address": "+12125550000", "now": now}
    assert services.suppress(source="staff", reason="asked", **more)
    assert not services.suppress(source="reply", reason="STOP", **more)
    assert Suppression.objects.count() == 1
    assert services.lift_suppression(reason="asked again", **more)
    assert services.suppress(source="reply", reason="STOP", **more)


def test_costs_in_two_currencies_are_never_added(draft, manager, admin, now):
    """The month of the business holds 20 of each currency, not 20 of both together."""
    OutreachPolicy.objects.update_or_create(
        pk=1, defaults={"business_month_cents": 2_000, "play_month_cents": 2_000}
    )
    madrid = LocationFactory(name="Madrid", currency="EUR", time_zone="Europe/Madrid", country="ES")
    dollars = services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)
    euros = make_draft(madrid, phone="+34612345678")
    services.approve_draft(draft_id=euros.pk, version=1, by=admin, now=now)
    months = Cap.objects.filter(scope="business_month").order_by("key")
    assert [(cap.key, cap.reserved_cents) for cap in months] == [
        ("business:EUR", euros.cost_cents),
        ("business:USD", dollars.cost_cents),
    ]
    more = make_draft(madrid, phone="+34612345679")
    with pytest.raises(ChecksFailed, match="left of today"):
        services.approve_draft(draft_id=more.pk, version=1, by=admin, now=now)


def test_changed_limits_count_from_today_in_the_currency_of_the_place(location, now):
    there = LocationFactory(currency="CAD")
    today, month = location.today(now), f"{location.today(now):%Y-%m}"
    day, play = Cap.Scope.LOCATION_DAY, Cap.Scope.PLAY_MONTH
    for scope, key, period in (
        (day, str(location.pk), today.isoformat()),
        (day, str(there.pk), today.isoformat()),
        (day, str(there.pk), (today - timedelta(days=1)).isoformat()),
        (play, "p:CAD", month),
        (play, "p:CAD", "2026-10"),
    ):
        Cap.objects.create(scope=scope, key=key, period=period, limit_cents=1)
    own = {"CAD": {"location_day": 700, "play_month": 900}}
    policy = OutreachPolicy(location_day_cents=500, limits_by_currency=own)
    caps.follow_policy(policy=policy, locations=[location, there], now=now)
    found = Cap.objects.order_by("pk").values_list("limit_cents", flat=True)
    assert list(found) == [500, 700, 1, 900, 1]
    Cap.objects.update(reserved_cents=600, spent_cents=50, limit_cents=650)
    caps.follow_policy(policy=policy, locations=[location, there], now=now)
    assert list(found.all()) == [650, 700, 650, 900, 650]  # never below what is used


def test_a_currency_may_have_limits_of_its_own(draft, manager, admin, now):
    OutreachPolicy.objects.update_or_create(
        pk=1, defaults={"limits_by_currency": {"EUR": {"business_month": 100}}}
    )
    madrid = LocationFactory(name="Madrid", currency="EUR", time_zone="Europe/Madrid", country="ES")
    services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)  # dollars
    euros = make_draft(madrid, phone="+34612345678")
    with pytest.raises(ChecksFailed, match="left of today"):
        services.approve_draft(draft_id=euros.pk, version=1, by=admin, now=now)
    curation.change_policy(
        data={"limits_by_currency": {"EUR": {"business_month": 5_000}}}, by=admin, now=now
    )
    services.approve_draft(draft_id=euros.pk, version=1, by=admin, now=now)
    limits = Cap.objects.order_by("key").filter(scope="business_month").values_list
    curation.change_policy(
        data={"limits_by_currency": {"EUR": {"business_month": 6_000}}}, by=admin, now=now
    )
    assert dict(limits("key", "limit_cents")) == {
        "business:EUR": 6_000,
        "business:USD": 1_000_000,
    }
    curation.change_policy(data={"limits_by_currency": {}}, by=admin, now=now)
    assert dict(limits("key", "limit_cents")) == {
        "business:EUR": 1_000_000,
        "business:USD": 1_000_000,
    }


_CURRENCIES = ["USD", "CAD", "GBP"]
_AMOUNTS = st.integers(0, 400)
_SCOPES = [scope.value for scope in Cap.Scope]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    base=st.fixed_dictionaries(dict.fromkeys(_SCOPES, _AMOUNTS)),
    own=st.dictionaries(
        st.sampled_from(_CURRENCIES), st.dictionaries(st.sampled_from(_SCOPES), _AMOUNTS)
    ),
    costs=st.lists(st.tuples(st.sampled_from(range(4)), st.integers(1, 150)), max_size=12),
)
def test_no_currency_is_spent_beyond_its_own_limits_nor_kept_back_by_another(
    location, now, base, own, costs
):
    """Against sums in plain Python: what fits under the three limits of its currency passes."""
    with transaction.atomic():
        places = [
            LocationFactory(currency=currency, name=f"{currency} {number}")
            for number, currency in enumerate([*_CURRENCIES, "CAD"])
        ]
        policy = OutreachPolicy(
            limits_by_currency=own, **{f"{name}_cents": cents for name, cents in base.items()}
        )
        spent: Counter[tuple[str, str]] = Counter()
        for number, cost in costs:
            place = places[number]
            limits = base | own.get(place.currency, {})
            keys = {
                "location_day": str(place.pk),
                "play_month": place.currency,
                "business_month": place.currency,
            }
            fits = all(spent[scope, keys[scope]] + cost <= limits[scope] for scope in _SCOPES)
            lines = caps.lines_for(location=place, play_key="one", at=now, policy=policy)
            try:
                with transaction.atomic():
                    caps.reserve(lines=lines, cost_cents=cost)
            except CapReached:
                assert not fits
                continue
            assert fits
            for scope, key in keys.items():
                spent[scope, key] += cost
        transaction.set_rollback(True)


# --- Limits -------------------------------------------------------------------------------------


def spent(now, location, play="at-risk-check-in"):
    policy = OutreachPolicy.current()
    return caps.lines_for(location=location, play_key=play, at=now, policy=policy)


def test_days_and_months_are_those_of_the_location(location, elsewhere, now):
    night = now.replace(month=12, day=1, hour=6)  # still November in Denver
    assert [line.period for line in spent(night, location)] == ["2026-12-01", "2026-12", "2026-12"]
    assert [line.period for line in spent(night, elsewhere)] == [
        "2026-11-30", "2026-11", "2026-11"
    ]  # fmt: skip


def test_each_limit_is_its_own(location, now):
    OutreachPolicy.objects.update_or_create(
        pk=1,
        defaults={"location_day_cents": 1, "play_month_cents": 2, "business_month_cents": 3},
    )
    assert [(line.scope, line.key, line.limit_cents) for line in spent(now, location)] == [
        ("location_day", str(location.pk), 1),
        ("play_month", f"at-risk-check-in:{location.currency}", 2),
        ("business_month", f"business:{location.currency}", 3),
    ]


@pytest.mark.parametrize("scope", ["location_day", "play_month", "business_month"])
@pytest.mark.parametrize("used", ["reserved_cents", "spent_cents"])
def test_what_is_set_aside_and_what_is_spent_both_count_to_the_cent(location, now, scope, used):
    lines = spent(now, location)
    caps.reserve(lines=lines, cost_cents=1)
    full = Cap.objects.filter(scope=scope)
    full.update(limit_cents=100, **({"reserved_cents": 0, "spent_cents": 0} | {used: 90}))
    with pytest.raises(CapReached), transaction.atomic():
        caps.reserve(lines=lines, cost_cents=11)
    caps.reserve(lines=lines, cost_cents=10)
    with pytest.raises(CapReached):
        caps.reserve(lines=lines, cost_cents=1)


def test_a_cost_is_settled_where_it_was_set_aside_however_late(draft, manager, now):
    message = approve(draft, manager, now)
    message.outbox.due_at = now + timedelta(days=40)
    message.outbox.save()
    policy = OutreachPolicy.current()
    caps.post(Message.objects.select_related("location").get(pk=message.pk), policy=policy)
    assert set(Cap.objects.values_list("reserved_cents", "spent_cents")) == {(0, draft.cost_cents)}
