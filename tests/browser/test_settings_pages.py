"""The rules, a guest's authorisation and export, and what came back, as people meet them: wide and
narrow, light and dark, each page's one job by keyboard."""

from __future__ import annotations

import zipfile

import pytest
from django.urls import reverse

from audit import clock
from outreach import services
from outreach.library.seed import AT_RISK, seed_library
from outreach.models import (
    Authorisation,
    CallingHours,
    Draft,
    Offer,
    OutreachPolicy,
    Play,
    Refusal,
    Template,
    TrialSend,
)
from tests.factories.memberships import GuestFactory
from tests.factories.outreach import make_draft

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def press(page, name: str) -> None:
    """The button of that name, by keyboard."""
    page.get_by_role("button", name=name).focus()
    page.keyboard.press("Enter")


def test_calling_hours_are_read_added_and_ended(
    sign_in, accessible, admin, manager, location
) -> None:
    reader = sign_in(manager, width=390)
    reader.goto(reverse("settings-hours"))
    assert reader.get_by_role("button", name="out of force").count() == 0
    wide = "box => box.scrollWidth > box.clientWidth"
    assert not reader.locator(".table-wrap").evaluate(wide)  # one card a row, nothing hidden
    page = sign_in(admin)
    page.goto(reverse("settings-hours"))
    accessible(page, everywhere=True)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("link", name="Add hours").focus()
    page.keyboard.press("Enter")
    page.locator("#id_source").wait_for()
    accessible(page)
    page.set_viewport_size({"width": 320, "height": 900})
    accessible(page)
    page.locator("#id_jurisdiction").select_option("US-WA")
    page.get_by_label("Monday").focus()
    page.keyboard.press("Space")
    page.locator("#id_opens").fill("08:00")
    page.locator("#id_closes").fill("20:00")
    page.locator("#id_source").fill("RCW 80.36.390")
    page.keyboard.press("Enter")
    page.locator(".notice", has_text="Saved").wait_for()
    row = CallingHours.objects.get(jurisdiction="US-WA")
    assert row.weekdays == [1]
    press(page, "Put the hours of Washington out of force")
    page.locator(".notice", has_text="No longer in force.").wait_for()
    page.goto(reverse("settings-hours") + "?all=1")
    page.locator("tr", has_text="Washington").locator(".pill").wait_for()


def test_the_rules_are_read_and_changed(sign_in, accessible, admin, manager, location) -> None:
    reader = sign_in(manager, width=390, dark=True)
    reader.goto(reverse("settings-policy"))
    reader.locator(".notice", has_text="You can read the rules.").wait_for()
    assert reader.get_by_role("button", name="Save").count() == 0
    accessible(reader)
    page = sign_in(admin)
    page.goto(reverse("settings-policy"))
    accessible(page, everywhere=True)
    page.locator("#id_weekly_cap").fill("1")
    page.keyboard.press("Enter")
    page.locator(".notice", has_text="Saved.").wait_for()
    assert OutreachPolicy.current().weekly_cap == 1


def test_an_authorisation_is_recorded_and_withdrawn(sign_in, accessible, manager, location) -> None:
    guest = GuestFactory(location=location)
    page = sign_in(manager)
    page.goto(reverse("guest-authorisation", args=[guest.pk]))
    accessible(page)
    page.locator("#id_given_on").fill("2026-02-03")
    page.locator("#id_source").fill("Folder 3 at the desk")
    page.keyboard.press("Enter")
    page.locator(".notice", has_text="Recorded.").wait_for()
    accessible(page)
    press(page, "The guest took it back")
    page.locator(".notice", has_text="Withdrawn.").wait_for()
    assert not Authorisation.objects.in_force().exists()
    accessible(page, everywhere=True)


def refuse_three(location, author, approver) -> None:
    """A draft the author changed, a text and an offer they proposed, refused by somebody else."""
    now = clock.now()
    seed_library(by=None, now=now)
    draft = make_draft(location, now=now, first_name="Marguerite", last_name="Delacroix-Fontaine")
    draft = services.edit_draft(
        draft_id=draft.pk, version=draft.version, by=author, now=now, subject="",
        body=draft.body.replace("Shall we find", "May we find").replace("Would a", "Does a"),
    )  # fmt: skip
    services.reject_draft(
        draft_id=draft.pk, version=draft.version, reason="words", note="Too pushy for her.",
        by=approver, now=now,
    )  # fmt: skip
    for row in (Template.objects.filter(play=AT_RISK).first(), Offer.objects.first()):
        Refusal.objects.create(
            author=author, refused_by=approver, refused_at=now, reason="not approved",
            note="We say this already.", **{row._meta.model_name: row},
        )  # fmt: skip


def test_what_came_back_is_read(sign_in, accessible, manager, approver, location) -> None:
    page = sign_in(manager)
    page.goto(reverse("refusals"))
    page.locator("text=Nothing came back").wait_for()
    accessible(page)
    refuse_three(location, manager, approver)
    page.goto("/review/")
    page.get_by_role("link", name="3 came back to you").focus()
    page.keyboard.press("Enter")
    page.locator("text=Too pushy for her.").wait_for()
    accessible(page, everywhere=True)
    press(page, "Mark all as read")
    page.locator(".pill", has_text="new").wait_for(state="detached")


def test_who_words_the_texts_is_read_and_changed(
    sign_in, accessible, settings, admin, location
) -> None:
    page = sign_in(admin)
    page.goto(reverse("settings-wording"))
    page.locator("text=No plays yet").wait_for()
    accessible(page)
    seed_library(by=None, now=clock.now())
    settings.DRAFTING = {**settings.DRAFTING, "url": "http://127.0.0.1:9/v1", "model": "small-2"}
    worded = [make_draft(location, now=clock.now()).pk for _ in range(3)]
    said = {"worded_at": clock.now(), "worded_by": "small-2", "prompt_version": "1"}
    Draft.objects.filter(pk__in=worded[1:]).update(**said)
    note = "It names somebody else: Rosa"
    Draft.objects.filter(pk=worded[0]).update(worded_at=clock.now(), wording_note=note)
    page.goto(reverse("settings-wording"))
    page.locator("li", has_text="It names somebody else").wait_for()
    assert "Rosa" not in page.content()
    accessible(page, everywhere=True)
    page.locator(f"#wording-{AT_RISK}").focus()
    page.keyboard.press("ArrowDown")
    press(page, "Save")
    page.locator(".notice", has_text="Saved.").wait_for()
    assert Play.objects.get(pk=AT_RISK).wording != Play.Wording.LIBRARY


def test_a_text_is_sent_to_oneself(sign_in, accessible, manager, location) -> None:
    seed_library(by=None, now=clock.now())
    text = Template.objects.filter(channel="sms", play=AT_RISK).first()
    page = sign_in(manager)
    page.goto(reverse("settings-template", args=[text.pk]))
    accessible(page, everywhere=True)
    press(page, "Send me a test")
    page.locator(".notice", has_text="There is no phone number on file for you").wait_for()
    manager.phone = "+12125550177"
    manager.save()
    press(page, "Send me a test")
    page.locator(".notice", has_text="On its way to you").wait_for()
    assert TrialSend.objects.filter(asked_by=manager, template=text).count() == 1


def test_enter_in_the_reason_refuses_and_never_approves(
    sign_in, accessible, admin, manager, location
) -> None:
    now = clock.now()
    seed_library(by=None, now=now)
    offer = Offer.objects.first()
    text = Template.objects.filter(channel="sms", play=AT_RISK).first()
    text.pk, text.version, offer.pk, offer.name = None, 2, None, "Another credit"
    for row in (text, offer):
        row.status, row.proposed_by, row.approved_by, row.approved_at = (
            "proposed",
            manager,
            None,
            None,
        )
        row.save()
    page = sign_in(admin, width=390)
    for address in (reverse("settings-template", args=[text.pk]), reverse("settings-offers")):
        page.goto(address)
        accessible(page)
        for box in page.locator(".table-wrap").all():
            assert not box.evaluate("box => box.scrollWidth > box.clientWidth")
        page.locator("[name=note]").fill("We say this already.")
        page.keyboard.press("Enter")
        page.locator(".notice", has_text="Refused.").wait_for()
    assert Refusal.objects.filter(author=manager, note="We say this already.").count() == 2


def test_everything_kept_is_taken_away(sign_in, accessible, regional, location, tmp_path) -> None:
    guest = GuestFactory(location=location)
    page = sign_in(regional)
    page.goto(reverse("member-export", args=[guest.pk]))
    accessible(page, everywhere=True)
    with page.expect_download() as download:
        press(page, "Take it away")
    download.value.save_as(tmp_path / "kept.zip")
    assert "read-me.txt" in zipfile.ZipFile(tmp_path / "kept.zip").namelist()
    page.keyboard.press("Escape")
    page.wait_for_url(f"**{reverse('member', args=[guest.pk])}")


def test_folded_steps_open_by_key(sign_in, accessible, regional, location) -> None:
    seed_library(by=None, now=clock.now())
    page = sign_in(regional)
    page.goto(reverse("settings-steps-play", args=[AT_RISK]))
    folded = page.locator("details.card:not([open])")
    number = folded.count()
    assert number > 0
    folded.first.locator("summary").focus()
    page.keyboard.press("Enter")
    assert folded.count() == number - 1
    accessible(page)
    page.set_viewport_size({"width": 320, "height": 900})
    accessible(page)
