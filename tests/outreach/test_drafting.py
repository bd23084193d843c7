"""Drafting: the right text and offer, a counter for everybody left out, one round of queries."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from memberships.models import Membership, Plan
from outreach import errors, services
from outreach.drafting import candidates, making
from outreach.errors import BadTemplate
from outreach.experiments import arms
from outreach.library.seed import AT_RISK, OFFERS, seed_library, template_rows
from outreach.models import Draft, Holdout, Offer, OutreachPolicy, Play, Run, Template
from outreach.sequences import tending
from outreach.texts.fields import SAMPLE, field_names, fill, sms_size
from tests.factories.outreach import EVIDENCE, candidate, draft_members, make_draft, make_member
from tests.factories.staff import UserFactory

pytestmark = pytest.mark.usefixtures("library")


# --- Library ------------------------------------------------------------------------------------


def test_the_library_can_be_laid_out_again_without_a_change(now, capsys):
    Offer.objects.filter(name="$15 credit").update(cost_cents=999)
    assert seed_library(by=None, now=now) == {"plays": 0, "offers": 0, "templates": 0}
    call_command("seed_library")
    assert Offer.objects.get(name="$15 credit").cost_cents == 999
    assert "0 plays, 0 offers and 0 texts" in capsys.readouterr().out


def test_every_seeded_text_names_the_sender_the_way_out_and_fits_two_parts():
    for row in template_rows():
        assert "{business}" in row["body"]
        assert ("STOP" if row["channel"] == "sms" else "{way_out}") in row["body"]
        if row["channel"] != "sms":
            continue
        for offer in OFFERS:
            wording = (
                offer["wording"] if row["language"] == "en"
                else offer.get("translations", {}).get("es", "")
            )  # fmt: skip
            text = fill(row["body"], SAMPLE | {"offer": fill(wording, SAMPLE) or "x"})
            size = sms_size(text)
            assert size.parts <= 2, row["slug"]
            assert not size.is_unicode, (row["slug"], size.culprits)


@pytest.mark.parametrize(
    "text",
    ["{first_name.__class__}", "{0}", "{}", "{first_name!r}", "{offer:>10}", "{secret}", "{"],
)
def test_templates_know_named_fields_and_nothing_else(text):
    with pytest.raises(BadTemplate):
        field_names(text)


def test_values_are_never_read_as_fields():
    assert fill("Hi {first_name}", {"first_name": "{plan}"}) == "Hi {plan}"


@pytest.mark.parametrize(
    ("text", "characters", "parts", "is_unicode"),
    [
        ("a" * 160, 160, 1, False),
        ("a" * 161, 161, 2, False),
        ("a" * 307, 307, 3, False),
        ("€" * 80, 80, 1, False),
        ("€" * 81, 81, 2, False),
        ("’" * 70, 70, 1, True),
        ("’" * 71, 71, 2, True),
        ("😀" * 35, 35, 1, True),
        ("😀" * 36, 36, 2, True),
    ],
)
def test_sms_parts_are_counted_as_the_networks_do(text, characters, parts, is_unicode):
    size = sms_size(text)
    assert (size.characters, size.parts, size.is_unicode) == (characters, parts, is_unicode)


# --- What a draft is made from ------------------------------------------------------------------


def test_a_draft_carries_evidence_offer_and_fields_by_value(draft):
    assert draft.evidence == EVIDENCE | {"cause": "no_visits"}
    offer = Offer.objects.get(pk=draft.offer_id)
    assert draft.offer_terms == offer.terms() | {"wording": offer.wording}
    assert draft.cost_cents == offer.cost_cents
    assert draft.body == draft.library_body
    assert draft.fields["first_name"] == "Ada"
    assert "20 Dec" in draft.body
    assert LedgerEntry.objects.filter(event="draft.created", guest_id=draft.guest_id).count() == 1


@pytest.mark.parametrize(
    ("cause", "offer"),
    [
        ("no_visits", "Complimentary upgrade on the next visit"),
        ("price", "$15 credit"),  # the favourite category may not be named in a text
        ("dissatisfaction", "Complimentary upgrade on the next visit"),
        ("unused_benefits", "Add-on on the house"),
        ("new_member", "Add-on on the house"),
        ("other", "15 extra minutes"),
        ("payment", None),
        ("something_new", None),
    ],
)
def test_the_offer_answers_the_cause(location, cause, offer):
    draft = make_draft(location, cause=cause)
    assert (draft.offer.name if draft.offer else None) == offer
    assert ("{offer}" in draft.template.body) == (offer is not None)


def test_an_offer_is_not_made_again_too_soon(location, manager, now):
    first = make_draft(location)
    services.approve_draft(draft_id=first.pk, version=1, by=manager, now=now)
    Run.objects.update(state=Run.State.FINISHED, ended_at=now)
    later = now + timedelta(days=60)
    result = draft_members(first.membership, now=later)
    again = Draft.objects.get(pk=result.draft_ids[0])
    assert again.offer_id != first.offer_id


def test_offers_bound_to_a_plan_kind_respect_it(location, now):
    Offer.objects.exclude(name="One month pause without fee").exclude(kind="none").update(
        status="retired"
    )
    assert make_draft(location, cause="price").offer.kind == Offer.Kind.PAUSE
    Plan.objects.update(kind="non_recurring")
    member = make_member(location)
    member.plan.kind = "non_recurring"
    member.plan.save()
    result = draft_members(member, cause="season")
    assert Draft.objects.get(pk=result.draft_ids[0]).offer is None


def test_a_tenure_is_counted_in_days_of_the_location(location):
    """23:30 in New York is the next day in UTC."""
    Offer.objects.exclude(kind="none").update(min_tenure_days=90)
    evening = datetime(2026, 12, 15, 4, 30, tzinfo=UTC)
    for days, offered in ((89, False), (90, True)):
        member = make_member(location)
        member.started_on = date(2026, 12, 14) - timedelta(days=days)
        member.save()
        result = draft_members(member, now=evening)
        assert (Draft.objects.get(pk=result.draft_ids[0]).offer is not None) == offered, days


def test_a_guest_is_written_to_in_their_language(location):
    draft = make_draft(location, language="es")
    assert draft.template.language == "es"
    assert draft.body.startswith("Hola Ada")
    assert "STOP" in draft.body
    assert draft.group == Draft.Group.LIBRARY


def test_without_texts_for_the_language_english_serves(location):
    Template.objects.filter(language="es").update(status="retired")
    assert make_draft(location, language="es").template.language == "en"


def test_without_a_phone_or_consent_for_texts_e_mail_serves(location):
    draft = make_draft(location, sms_marketing=False)
    assert draft.channel == "email"
    assert draft.address == draft.guest.email
    assert draft.subject.startswith("Ada")


def test_a_text_whose_value_nobody_has_is_passed_over(location):
    draft = make_draft(location, cause="unused_benefits", facts={})
    assert draft.template.cause == ""
    assert draft.group == Draft.Group.LIBRARY


# --- Who gets none ------------------------------------------------------------------------------


def skipped(result):
    assert result.drafted == 0
    return dict(result.skipped)


def test_no_consent_and_no_address(location):
    member = make_member(location, sms_marketing=False, email="")
    assert skipped(draft_members(member)) == {candidates.UNREACHABLE: 1}


def test_who_said_stop_on_every_channel(location, now):
    member = make_member(location, email="")
    services.suppress(
        channel="sms", address=member.guest.phone, source="reply", reason="STOP", now=now
    )
    assert skipped(draft_members(member)) == {candidates.SUPPRESSED: 1}


def test_who_has_an_open_draft(draft):
    assert skipped(draft_members(draft.membership)) == {candidates.ALREADY_OPEN: 1}


def test_who_was_turned_to_lately(draft, manager, now):
    services.reject_draft(
        draft_id=draft.pk, version=1, reason="not_now", note="", by=manager, now=now
    )
    later = now + timedelta(days=29)
    tending.advance(now=later)
    assert skipped(draft_members(draft.membership, now=later)) == {candidates.LATELY: 1}
    assert draft_members(draft.membership, now=now + timedelta(days=31)).drafted == 1


def test_who_has_vanished(location, now):
    member = make_member(location, vanished_at=now)
    assert skipped(draft_members(member)) == {candidates.NOT_PRESENT: 1}


def test_the_daily_limit_binds_the_night_and_not_a_person(location, manager, now):
    Play.objects.update(daily_limit=2)
    members = [make_member(location) for _ in range(4)]
    result = draft_members(*members[:3])
    assert (result.drafted, dict(result.skipped)) == (2, {candidates.DAILY_LIMIT: 1})
    assert skipped(draft_members(members[2])) == {candidates.DAILY_LIMIT: 1}
    asked = making.draft_for(
        play_key=AT_RISK, candidates=[candidate(members[3])], by=manager, now=now
    )
    assert asked.drafted == 1
    assert draft_members(members[2], now=now + timedelta(days=1)).drafted == 1


# --- The comparison group -----------------------------------------------------------------------


def test_held_out_guests_get_nothing_and_stay_held_out(location, manager, now):
    member = make_member(location, held_out=True)
    first = draft_members(member)
    assert (first.drafted, first.held_out) == (0, 1)
    Play.objects.update(holdout_percent=0)
    asked = making.draft_for(play_key=AT_RISK, candidates=[candidate(member)], by=manager, now=now)
    assert (asked.drafted, asked.held_out) == (0, 1)
    assert LedgerEntry.objects.filter(event="guest.held_out").count() == 1


def test_the_arms_are_as_large_as_they_should_be():
    drawn = sum(
        arms.falls_into_holdout(play_key="p", guest_id=guest_id, percent=10)
        for guest_id in range(20_000)
    )
    assert 1_850 < drawn < 2_150


def test_who_could_not_be_written_to_is_in_neither_arm(location):
    draft_members(make_member(location, sms_marketing=False, email=""))
    assert not Holdout.objects.exists()


# --- At size ------------------------------------------------------------------------------------


def test_queries_do_not_grow_with_candidates(location, now):
    members = [make_member(location) for _ in range(22)]
    draft_members(members[0])  # makes the policy and the ledger's first row
    counts = []
    for group in (members[1:2], members[2:]):
        with CaptureQueriesContext(connection) as queries:
            assert draft_members(*group).drafted == len(group)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 36, counts


def test_one_open_draft_per_guest_and_play_is_a_rule_of_the_database(draft):
    copy = Draft.objects.get(pk=draft.pk)
    copy.pk = None
    with pytest.raises(IntegrityError, match="one_open_draft"):
        copy.save()


# --- Once per reason, and names with accents ----------------------------------------------------


def second_play() -> str:
    """Another play with the texts of the first."""
    play = Play.objects.get(pk=AT_RISK)
    play.pk, play.name = "second", "Second"
    play.save(force_insert=True)
    for template in Template.objects.filter(play=AT_RISK, status="active"):
        template.pk, template.play, template.slug = None, play, f"second-{template.slug}"[:60]
        template.save()
    return str(play.pk)


@pytest.mark.parametrize(("cause", "drafted"), [("no_visits", 0), ("price", 1)])
def test_two_plays_do_not_draft_for_the_same_reason(library, location, now, cause, drafted) -> None:
    member = make_member(location)
    while arms.falls_into_holdout(play_key="second", guest_id=member.guest_id, percent=10):
        member = make_member(location)
    assert draft_members(member, now=now).drafted == 1  # for no_visits
    result = making.draft_for(
        play_key=second_play(), candidates=[candidate(member, cause=cause)], now=now
    )
    assert result.drafted == drafted
    assert bool(result.skipped["another play has a draft for the same reason"]) != bool(drafted)


def member_of_both(location) -> Membership:
    """A member whom neither play leaves alone for comparison."""
    while True:
        member = make_member(location)
        if not arms.falls_into_holdout(play_key="second", guest_id=member.guest_id, percent=10):
            return member


def draft_by_second(member, now, **changes) -> Draft:
    result = making.draft_for(
        play_key=second_play(), candidates=[candidate(member, **changes)], now=now
    )
    return Draft.objects.get(pk=result.draft_ids[0])


@pytest.mark.parametrize("decided", ["approved", "rejected"])
def test_undo_does_not_open_a_second_draft_for_the_same_reason(
    library, location, now, decided
) -> None:
    member = member_of_both(location)
    first = Draft.objects.get(pk=draft_members(member, now=now).draft_ids[0])
    by = UserFactory(role="regional", locations=[location], approval_limit_cents=100_000)
    if decided == "approved":
        services.approve_draft(draft_id=first.pk, version=1, by=by, now=now)
    else:
        services.reject_draft(draft_id=first.pk, version=1, reason="words", note="", by=by, now=now)
    other = draft_by_second(member, now)
    with pytest.raises(errors.Conflict, match=r"Second at North, since 20 Nov 12:00\. Reject"):
        services.undo_decision(draft_id=first.pk, by=by, now=now)
    first.refresh_from_db()
    assert (first.status, first.version) == (decided, 2)  # nothing of it was taken back
    assert list(Draft.objects.open()) == [other]
    services.reject_draft(draft_id=other.pk, version=1, reason="words", note="", by=by, now=now)
    assert services.undo_decision(draft_id=first.pk, by=by, now=now).status == "pending"


def test_undo_does_not_mind_a_draft_for_another_reason(library, location, now) -> None:
    member = member_of_both(location)
    first = Draft.objects.get(pk=draft_members(member, now=now).draft_ids[0])
    by = UserFactory(role="regional", locations=[location], approval_limit_cents=100_000)
    services.approve_draft(draft_id=first.pk, version=1, by=by, now=now)
    draft_by_second(member, now, cause="price")
    assert services.undo_decision(draft_id=first.pk, by=by, now=now).status == "pending"


@pytest.mark.parametrize("cause", ["no_visits", ""])
def test_one_open_draft_per_guest_and_reason_is_a_rule_of_the_database(draft, cause) -> None:
    Draft.objects.filter(pk=draft.pk).update(evidence={"cause": cause})
    copy = Draft.objects.get(pk=draft.pk)
    copy.pk, copy.play_id = None, second_play()
    if cause:
        with pytest.raises(IntegrityError, match="one_open_draft_per_guest_and_cause"):
            copy.save()
    else:
        copy.save()  # nobody can say that two unknown reasons are one
        assert Draft.objects.open().count() == 2


def test_a_later_step_waits_while_another_play_has_a_draft_for_its_reason(
    library, location, now
) -> None:
    member = member_of_both(location)
    first = Draft.objects.get(pk=draft_members(member, now=now).draft_ids[0])
    Draft.objects.filter(pk=first.pk).update(status="withdrawn")
    draft_by_second(member, now)
    result = draft_members(member, now=now, run_id=first.run_id, step=2)
    assert result.skipped == {candidates.SAME_REASON: 1}


@pytest.mark.django_db(transaction=True)
def test_two_plays_drafting_at_the_same_instant_make_one_draft_for_a_reason(
    library, location, now
) -> None:
    member = make_member(location)
    while arms.falls_into_holdout(play_key="second", guest_id=member.guest_id, percent=10):
        member = make_member(location)
    second = second_play()
    OutreachPolicy.current()  # made at its first reading, on which the second would wait too
    results: list[candidates.DraftingResult | BaseException] = []

    def draft_too() -> None:
        try:
            results.append(
                making.draft_for(play_key=second, candidates=[candidate(member)], now=now)
            )
        except BaseException as error:  # pragma: no cover - shown below
            results.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=draft_too)
    with transaction.atomic():
        assert draft_members(member, now=now).drafted == 1
        thread.start()
        thread.join(timeout=0.5)  # it must wait for what it cannot see yet
        assert results == []
    thread.join(timeout=20)
    [result] = results
    assert isinstance(result, candidates.DraftingResult), result
    assert result.skipped == {candidates.SAME_REASON: 1}
    assert Draft.objects.get().play_id == AT_RISK


def test_a_name_keeps_its_accents_unless_they_make_the_text_too_long(
    library, location, now
) -> None:
    long = "{first_name}, it's {business} {location}. " + "We would love to see you. " * 8
    template = Template.objects.get(slug="sms-away-offer-en", status="active")
    template.body = long + "{offer} until {offer_until}. Reply STOP to opt out."
    template.save()
    draft = make_draft(location, first_name="María")
    assert draft.body.startswith("Maria, ")
    assert draft.group == Draft.Group.LIBRARY
    Template.objects.filter(pk=template.pk).update(
        body="{first_name}, it's {business}. {offer} until {offer_until}. Reply STOP to opt out."
    )
    assert make_draft(location, first_name="María").body.startswith("María, ")
