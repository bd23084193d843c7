"""A refusal comes back to whoever wrote, asked or proposed; who words the texts is a logged
choice."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from audit import clock
from audit.models import LedgerEntry
from outreach import selectors, services
from outreach.drafting.making import draft_for
from outreach.errors import NotAllowed
from outreach.library import curation
from outreach.library.seed import AT_RISK
from outreach.models import Draft, Offer, Play, Refusal, Template
from tests.factories.outreach import candidate, make_draft, make_member

pytestmark = pytest.mark.usefixtures("library")


@pytest.fixture
def enter():
    def signed_in(person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return signed_in


def edited(draft: Draft, by, now) -> Draft:
    return services.edit_draft(
        draft_id=draft.pk, version=draft.version, by=by, now=now, subject="",
        body=draft.body.replace("Shall we find", "May we find").replace("Would a", "Does a"),
    )  # fmt: skip


def reject(draft: Draft, by, now) -> Draft:
    return services.reject_draft(
        draft_id=draft.pk, version=draft.version, reason="words", note="Too short.", by=by, now=now
    )


def test_the_writer_of_a_rejected_draft_is_told_by_whom_and_why(
    location, manager, approver, now, enter
) -> None:
    draft = reject(edited(make_draft(location), manager, now), approver, now)
    told = Refusal.objects.get()
    assert (told.author, told.refused_by, told.draft) == (manager, approver, draft)
    page = enter(manager).get(reverse("refusals")).content.decode()
    assert "wrong words" in page
    assert "Too short." in page
    assert "1 came back to you" in enter(manager).get(reverse("review")).content.decode()
    make_draft(location, now=clock.now())
    assert "1 came back to you" in enter(manager).get(reverse("review")).content.decode()
    assert selectors.queue(manager, None, view="", now=clock.now()).total == 1
    assert "came back" not in enter(approver).get(reverse("review")).content.decode()


def test_who_asked_for_a_draft_is_told_too(location, manager, approver, now) -> None:
    result = draft_for(
        play_key=AT_RISK, candidates=[candidate(make_member(location))], by=manager, now=now
    )
    reject(Draft.objects.get(pk=result.draft_ids[0]), approver, now)
    assert Refusal.objects.get().author == manager


def test_nobody_is_told_of_a_refusal_of_their_own_or_of_the_machines(
    location, manager, now
) -> None:
    reject(edited(make_draft(location), manager, now), manager, now)
    reject(make_draft(location), manager, now)
    assert not Refusal.objects.exists()


def test_a_rejection_taken_back_is_not_told(location, manager, approver, now) -> None:
    draft = reject(edited(make_draft(location), manager, now), approver, now)
    services.undo_decision(draft_id=draft.pk, by=approver, now=now)
    assert not Refusal.objects.exists()


def test_read_is_read_and_only_ones_own(location, manager, approver, now, enter) -> None:
    reject(edited(make_draft(location), manager, now), approver, now)
    enter(approver).post(reverse("refusals-read"))
    assert Refusal.objects.get().read_at is None
    enter(manager).post(reverse("refusals-read"))
    assert Refusal.objects.get().read_at is not None


def test_a_location_one_no_longer_serves_stays_unseen(
    location, elsewhere, manager, approver, now, enter
) -> None:
    draft = reject(edited(make_draft(location), manager, now), approver, now)
    manager.locations.set([elsewhere])
    assert draft.guest.name not in enter(manager).get(reverse("refusals")).content.decode()


@pytest.mark.parametrize("kind", ["text", "offer"])
def test_who_proposed_what_was_refused_is_told(manager, regional, now, enter, kind) -> None:
    thing: Template | Offer
    if kind == "text":
        thing = Template.objects.first()
        thing.pk, thing.version, thing.status, thing.proposed_by = None, 9, "proposed", manager
        thing.save()
        path = reverse("settings-template-status", args=[thing.pk])
    else:
        thing = Offer.objects.create(
            name="x", kind="credit", wording="a credit", amount_cents=1, cost_cents=1,
            proposed_by=manager,
        )  # fmt: skip
        path = reverse("settings-offer-status", args=[thing.pk])
    enter(regional).post(path, {"status": "retired", "note": "We have one like it."})
    told = Refusal.objects.get()
    assert (told.author, told.note) == (manager, "We have one like it.")
    assert "We have one like it." in enter(manager).get(reverse("refusals")).content.decode()


def test_retiring_what_was_in_use_refuses_nobody(regional, now) -> None:
    curation.set_offer_status(
        offer_id=Offer.objects.filter(status="active").first().pk, status="retired", by=regional,
        now=now,
    )  # fmt: skip
    assert not Refusal.objects.exists()


# --- Who words the texts --------------------------------------------------------------------------


def test_who_words_a_plays_texts_is_chosen_by_the_whole_business_and_logged(
    admin, manager, now, enter
) -> None:
    Play.objects.exclude(pk=AT_RISK).delete()
    path, choice = reverse("settings-wording"), {f"wording-{AT_RISK}": "machine"}
    assert enter(manager).post(path, choice).status_code == 403
    assert enter(admin).post(path, {f"wording-{AT_RISK}": "poetry"}).status_code == 422
    assert Play.objects.get(pk=AT_RISK).wording == Play.Wording.LIBRARY
    for _twice in range(2):
        assert enter(admin).post(path, choice).status_code == 302
    assert Play.objects.get(pk=AT_RISK).wording == Play.Wording.MACHINE
    assert LedgerEntry.objects.filter(event="wording.changed").count() == 1
    with pytest.raises(NotAllowed):
        curation.change_wording(wanted={AT_RISK: "library"}, by=manager, now=now)


def test_the_page_says_how_the_wording_went(admin, location, now, enter) -> None:
    Draft.objects.filter(pk=make_draft(location).pk).update(
        worded_at=now, wording_note="No answer in time."
    )
    page = enter(admin).get(reverse("settings-wording")).content.decode()
    assert "No machine is set up" in page
