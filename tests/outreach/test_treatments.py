"""What may not be said in a text message, and what needs the guest's written word."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from audit.models import LedgerEntry
from outreach import checks, services
from outreach.errors import ChecksFailed, Conflict, NotAllowed
from outreach.gate import conditions
from outreach.library.seed import AT_RISK
from outreach.models import Authorisation, Channel, Draft, Offer, OutreachPolicy
from outreach.texts import treatments
from tests.factories.memberships import GuestFactory, ServiceFactory
from tests.factories.outreach import draft_members, make_draft, make_member, mirror_is_fresh

MINUTE = timedelta(minutes=1)


def result_of(draft: Draft, name: str) -> checks.Check:
    rows = Draft.objects.select_related("guest", "location", "play", "template", "offer")
    [results] = checks.check_drafts([rows.get(pk=draft.pk)], now=draft.created_at)
    return next(result for result in results if result.check == name)


# --- Treatment names ----------------------------------------------------------------------------


def test_no_text_message_is_filled_with_what_the_guest_books(library, location):
    draft = make_draft(location, cause="price", facts={"favourite": "Vampire Lift"})
    assert draft.channel == Channel.SMS
    assert "Vampire" not in draft.body
    assert result_of(draft, treatments.NAME).ok


def test_a_plan_called_after_a_treatment_is_not_named_in_a_text_message(library, location):
    membership = make_member(location)
    type(membership.plan).objects.filter(pk=membership.plan_id).update(name="Massage Package of 10")
    result = draft_members(membership, cause="renewal_near")
    draft = Draft.objects.get(pk=result.draft_ids[0])
    assert draft.channel == Channel.SMS
    assert "Massage" not in draft.body
    assert result_of(draft, treatments.NAME).ok


def test_an_e_mail_may_name_it(library, location):
    Offer.objects.exclude(name="20 % off the favourite category").update(status="retired")
    draft = make_draft(
        location, phone="", cause="price", facts={"favourite": "Vampire Lift"}, sms_marketing=False
    )
    assert draft.channel == Channel.EMAIL


def test_where_the_business_allows_it_texts_name_treatments(library, location):
    OutreachPolicy.current()
    OutreachPolicy.objects.update(treatment_names_in_sms=True)
    Offer.objects.exclude(name="20 % off the favourite category").update(status="retired")
    draft = make_draft(location, cause="usage_drop", facts={"favourite": "Vampire Lift"})
    assert "Vampire Lift" in draft.body
    assert result_of(draft, treatments.NAME).ok
    OutreachPolicy.objects.update(treatment_names_in_sms=False)
    assert not result_of(draft, treatments.NAME).ok


@pytest.mark.parametrize(
    "words",
    ["Your Vampire Lift is due.", "your vampire  lift awaits", "Time for Skin Boosters?",
     "a massage would do you good", "Tu depilación te espera", "book your b​otox"],
)  # fmt: skip
def test_an_edit_that_names_a_treatment_cannot_be_approved(draft, manager, now, words):
    ServiceFactory(name="Vampire Lift", category="Skin Boosters")
    edited = services.edit_draft(
        draft_id=draft.pk,
        version=draft.version,
        subject="",
        body=f"{draft.body} {words}",
        by=manager,
        now=now,
    )
    found = result_of(edited, treatments.NAME)
    assert (found.ok, found.blocks) == (False, True)
    assert "your visit" in found.message


@pytest.mark.parametrize(
    "words",
    ["See you at Facial House soon", "your upgrade awaits", "an add-on of your choice", "glowing"],
)
def test_what_names_no_treatment_passes(words):
    names = {"glow", "add-on deluxe", "vampire lift"}
    assert treatments.named_in(words, names, house="Facial House\nNorth") == ""


def test_the_catalogue_is_read_only_for_texts_that_were_changed(draft):
    policy = OutreachPolicy.current()
    assert not treatments.asks_for_names([draft], policy)
    draft.body += " See you!"
    assert treatments.asks_for_names([draft], policy)
    policy.treatment_names_in_sms = True
    assert not treatments.asks_for_names([draft], policy)


def test_a_library_text_that_names_a_treatment_is_refused(client, admin, library):
    ServiceFactory(name="Vampire Lift", category="Skin")
    client.force_login(admin)
    typed = {
        "name": "x", "play": AT_RISK, "topic": "", "cause": "", "channel": "sms",
        "language": "en", "subject": "",
        "body": "Hi {first_name}, {business}: your vampire lift is due. Reply STOP to opt out.",
    }  # fmt: skip
    page = client.post(reverse("settings-template-add"), typed)
    assert page.status_code == 422
    assert "may not name a treatment" in page.content.decode()
    typed["body"] = "Hi {first_name}, {business}: {favourite} is due. Reply STOP to opt out."
    assert client.post(reverse("settings-template-add"), typed).status_code == 422


# --- Offers that a manufacturer pays for --------------------------------------------------------


@pytest.fixture
def paid(library) -> Offer:
    """The one offer left, and a manufacturer pays for it."""
    offer = Offer.objects.get(name="15 extra minutes")
    Offer.objects.exclude(pk=offer.pk).exclude(kind="none").update(status="retired")
    offer.paid_by_manufacturer = True
    offer.save()
    return offer


def authorise(guest_id: int, by, now) -> Authorisation:
    return services.record_authorisation(
        guest_id=guest_id, given_on=now.date(), source="Folder 3", by=by, now=now
    )


def test_it_is_not_offered_to_who_has_not_authorised_it(paid, location):
    assert make_draft(location).offer is None


def test_it_is_offered_and_sent_to_who_has(paid, fresh, location, manager, now):
    draft = make_authorised(location, manager, now)
    assert draft.offer == paid
    message = services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)
    mirror_is_fresh(location, now)
    assert conditions.held_reasons([message.pk], now=now + 6 * MINUTE) == {message.pk: ""}
    services.end_authorisation(guest_id=draft.guest_id, by=manager, now=now)
    assert conditions.held_reasons([message.pk], now=now + 6 * MINUTE) == {message.pk: "authorised"}


def make_authorised(location, by, now) -> Draft:
    """A draft of a guest who has authorised such offers."""
    membership = make_member(location)
    authorise(membership.guest_id, by, now)
    return Draft.objects.get(pk=draft_members(membership, now=now).draft_ids[0])


def test_a_draft_whose_guest_took_it_back_cannot_be_approved(paid, location, manager, now):
    draft = make_authorised(location, manager, now)
    services.end_authorisation(guest_id=draft.guest_id, by=manager, now=now)
    with pytest.raises(ChecksFailed, match="has not authorised"):
        services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)


def test_it_is_recorded_once_by_who_may_with_a_ledger_entry(location, manager, desk, now):
    guest = GuestFactory(location=location)
    with pytest.raises(NotAllowed):
        authorise(guest.pk, desk, now)
    authorise(guest.pk, manager, now)
    with pytest.raises(Conflict):
        authorise(guest.pk, manager, now)
    services.end_authorisation(guest_id=guest.pk, by=manager, now=now + MINUTE)
    authorise(guest.pk, manager, now + 2 * MINUTE)
    events = LedgerEntry.objects.filter(event__startswith="authorisation").order_by("pk")
    assert [e.event for e in events] == [
        "authorisation.recorded", "authorisation.ended", "authorisation.recorded",
    ]  # fmt: skip
    other = GuestFactory(location=location)
    with pytest.raises(Conflict, match="lies ahead"):
        services.record_authorisation(
            guest_id=other.pk, given_on=now.date() + timedelta(days=2), source="x", by=manager,
            now=now,
        )  # fmt: skip


def test_the_page_records_and_withdraws(client, manager, outsider, location):
    guest = GuestFactory(location=location)
    page = reverse("guest-authorisation", args=[guest.pk])
    client.force_login(outsider)
    assert client.get(page).status_code == 404
    client.force_login(manager)
    assert client.post(page, {"given_on": "", "source": ""}).status_code == 422
    typed = {"given_on": "2026-01-05", "source": "Folder 3"}
    assert client.post(page, typed).status_code == 302
    assert "Folder 3" in client.get(page).content.decode()
    assert client.post(page, {"act": "end"}).status_code == 302
    assert not Authorisation.objects.in_force().exists()
    assert page in client.get(reverse("member", args=[guest.pk])).content.decode()
