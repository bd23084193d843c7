"""The delivered plays: every step has its texts, every text passes, seeding again keeps edits."""

from __future__ import annotations

import pytest

from memberships.models import Location
from outreach import reply_address
from outreach.drafting.candidates import Candidate
from outreach.drafting.making import draft_for
from outreach.experiments.arms import falls_into_holdout
from outreach.library.play_library import CARD, OFFERS, PAYMENT, UNUSED, WIN_BACK, rows
from outreach.library.seed import PLAYS, STEPS, seed_library, template_rows
from outreach.models import Draft, Leave, Play, Run, Step, Template
from outreach.models.sequences import LEAVE_RULES
from outreach.sequences import steps
from outreach.texts.fields import SAMPLE, field_names, fill
from outreach.texts.text_checks import Text, check_text
from tests.factories.memberships import GuestFactory, MembershipFactory

OFFER = OFFERS[0]


@pytest.fixture
def spa(location) -> Location:
    """The location with a number: notes about money name it."""
    location.phone = "+12125550100"
    location.save()
    return location


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["slug"])
def test_every_text_of_the_plays_passes_every_check(row, settings):
    settings.LINK_DOMAINS = ["juniper.example"]
    in_spanish = row["language"] == "es"
    offer = OFFER["translations"]["es"] if in_spanish else OFFER["wording"]
    has_offer = "offer" in field_names(row["body"])
    ways = reply_address.ways(language=row["language"], phone=SAMPLE["location_phone"])
    values = SAMPLE | ways | {"business": settings.BUSINESS_NAME, "offer": offer}
    subject, body = fill(row["subject"], values), fill(row["body"], values)
    names = field_names(row["subject"]) + field_names(row["body"])
    text = Text(
        channel=row["channel"],
        subject=subject,
        body=body,
        library_subject=subject,
        library_body=body,
        offer=offer if has_offer else "",
        first_name=SAMPLE["first_name"],
        filled_name=SAMPLE["first_name"],
        guest_name=SAMPLE["first_name"],
        location=SAMPLE["location"],
        location_phone=SAMPLE["location_phone"],
        fields={name: values[name] for name in names},
    )
    assert [check for check in check_text(text) if not check.ok] == []


@pytest.mark.parametrize("key", [play["key"] for play in PLAYS])
def test_every_delivered_step_could_be_typed_in(library, key):
    play = Play.objects.get(pk=key)
    lines = [steps._line(step) for step in play.steps.order_by("number")]
    assert len(lines) > 1
    steps.check_steps(play, lines)
    assert set(play.leaves_on) <= set(LEAVE_RULES)


@pytest.mark.parametrize("key", [PAYMENT, CARD])
def test_notes_about_money_are_service_and_sell_nothing(library, key):
    play = Play.objects.get(pk=key)
    assert not play.is_marketing
    assert not play.steps.filter(is_call=False, with_offer=True).exists()
    assert not Template.objects.filter(play=play, body__contains="{offer").exists()
    assert {Leave.PAID, Leave.CARD} <= set(play.leaves_on)


def test_the_win_back_does_not_leave_because_the_membership_has_ended(library):
    assert Leave.ENDED not in Play.objects.get(pk=WIN_BACK).leaves_on
    assert Leave.RENEWED in Play.objects.get(pk=WIN_BACK).leaves_on


def test_a_library_of_before_gets_what_is_new_and_keeps_what_staff_changed(library, now):
    # As an installation stood before: one play without steps of its own, others unknown.
    Play.objects.exclude(pk__in=["at-risk-check-in", UNUSED]).delete()
    Step.objects.filter(play=UNUSED).delete()
    Play.objects.filter(pk=UNUSED).update(daily_limit=3, leaves_on=[Leave.CAME])
    Template.objects.filter(slug="sms-check-in-words-en").update(body="Ours {business} STOP")
    Template.objects.filter(slug="sms-benefits-waiting-en").update(status="retired")
    own = Step.objects.filter(play="at-risk-check-in", number=2)
    own.update(wait_hours=50)
    first = seed_library(by=None, now=now)
    assert first["plays"] == 3
    for key, lines in STEPS.items():
        assert Step.objects.filter(play=key).count() == len(lines)
    play = Play.objects.get(pk=UNUSED)
    assert (play.daily_limit, play.leaves_on) == (3, [Leave.CAME])
    assert own.get().wait_hours == 50
    assert Template.objects.get(slug="sms-check-in-words-en").body == "Ours {business} STOP"
    assert not Template.objects.filter(slug="sms-benefits-waiting-en", status="active").exists()
    slugs = {row["slug"] for row in template_rows()}
    assert slugs <= set(Template.objects.values_list("slug", flat=True))
    assert seed_library(by=None, now=now) == {"plays": 0, "offers": 0, "templates": 0}


# --- The link for a card -------------------------------------------------------------------------


def drafted(location, now, key, cause, **guest) -> Draft:
    while True:
        person = GuestFactory(location=location, **guest)
        if not falls_into_holdout(play_key=key, guest_id=person.pk, percent=10):
            break
    member = MembershipFactory(guest=person)
    result = draft_for(
        play_key=key,
        candidates=[
            Candidate(
                guest_id=person.pk,
                location_id=location.pk,
                membership_id=member.pk,
                cause=cause,
                facts={"card_until": "11/2026", "unused_credits": "3"},
            )
        ],
        now=now,
    )
    return Draft.objects.get(pk=result.draft_ids[0])


@pytest.mark.parametrize(
    ("link", "domains", "is_there"),
    [
        ("https://pay.juniper.example/card", ["juniper.example"], True),
        ("https://pay.juniper.example/card", [], False),
        ("https://elsewhere.example/card", ["juniper.example"], False),
        ("http://pay.juniper.example/card", ["juniper.example"], False),
        ("", ["juniper.example"], False),
    ],
)
def test_the_link_for_a_card_is_filled_in_only_where_it_is_ours(
    library, spa, now, settings, link, domains, is_there
):
    settings.PAYMENT_LINK, settings.LINK_DOMAINS = link, domains
    draft = drafted(spa, now, PAYMENT, "payment")
    assert ("https://" in draft.body) == is_there
    assert spa.phone in draft.body
    assert [check for check in draft.checks if not check["ok"]] == []
    assert draft.group == Draft.Group.LIBRARY


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    ("key", "cause"),
    [(PAYMENT, "payment"), (CARD, "card"), (UNUSED, "unused_benefits"), (WIN_BACK, "left")],
)
def test_a_first_step_is_library_text_that_passes_and_begins_a_run(
    library, spa, now, settings, key, cause, language
):
    settings.PAYMENT_LINK = "https://pay.juniper.example/card"
    settings.LINK_DOMAINS = ["juniper.example"]
    draft = drafted(spa, now, key, cause, language=language)
    assert [check for check in draft.checks if not check["ok"]] == []
    assert draft.template.language == language
    assert draft.offer is None
    assert Run.objects.get().step == 1
