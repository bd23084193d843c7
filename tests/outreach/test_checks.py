"""The checks: the five faults that must never slip through, and their smaller relatives."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outreach import checks, services
from outreach.models import Draft, OutreachPolicy
from tests.factories.outreach import guest_of, make_draft

pytestmark = pytest.mark.usefixtures("library")


def results(draft: Draft, now) -> dict[str, checks.Check]:
    draft = Draft.objects.select_related(
        "guest__contact", "location", "play", "template", "offer"
    ).get(pk=draft.pk)
    return {result.check: result for result in checks.check_drafts([draft], now=now)[0]}


def failing(draft: Draft, now) -> set[str]:
    return {name for name, result in results(draft, now).items() if not result.ok}


def with_body(draft: Draft, body: str) -> Draft:
    Draft.objects.filter(pk=draft.pk).update(body=body)
    return draft


def test_a_library_draft_passes_every_check(draft, now):
    assert failing(draft, now) == set()
    assert draft.group == Draft.Group.LIBRARY


# --- Five planted faults ------------------------------------------------------------------------


def test_planted_fault_wrong_name(draft, location, manager, now):
    wrong = services.edit_draft(
        draft_id=draft.pk, version=1, subject="", by=manager, now=now,
        body=draft.body.replace("Hi Ada", "Hi Bella"),
    )  # fmt: skip
    assert wrong.group == Draft.Group.NEEDS_CARE
    assert results(draft, now)["name"].blocks


def test_planted_fault_wrong_name_filled_in_by_a_play(draft, now):
    body = draft.body.replace("Hi Ada", "Hi Bella")
    Draft.objects.filter(pk=draft.pk).update(
        body=body, library_body=body, fields={**draft.fields, "first_name": "Bella"}
    )
    assert failing(draft, now) == {"name"}


def test_planted_fault_lapsed_consent(draft, now):
    guest = guest_of(draft)
    guest.sms_marketing = False
    guest.save()
    services.recheck_drafts(guest_ids=[guest.pk], now=now)
    draft.refresh_from_db()
    assert draft.group == Draft.Group.NEEDS_CARE
    assert results(draft, now)["consent"].blocks


def test_planted_fault_cap_broken(draft, location, now):
    OutreachPolicy.objects.update_or_create(
        pk=1, defaults={"location_day_cents": draft.cost_cents - 1}
    )
    second = make_draft(location)
    assert second.group == Draft.Group.NEEDS_CARE
    assert results(second, now)["cap"].blocks


@pytest.mark.parametrize(
    "more",
    [
        " And a free massage on top.",
        " Plus a $50 gift card.",
        " We add 30% off everything.",
        " Your next month is on the house.",
        " Ademas un masaje gratis.",
        " We will waive your fee.",
        " We give you two months, three visits.",
    ],
)
def test_planted_fault_invented_benefit(draft, now, more):
    found = results(with_body(draft, draft.body + more), now)
    assert not (found["benefit"].ok and found["numbers"].ok)
    assert found["benefit"].blocks or found["numbers"].blocks


@pytest.mark.parametrize(
    "more",
    [
        " It cures back pain.",
        " Clinically proven.",
        " Results guaranteed, no side effects.",
        " It treats acne.",
        " Resultados garantizados.",
        " Sin efectos secundarios.",
        " Elimina las arrugas.",
        " Pérdida de peso.",
    ],
)
def test_planted_fault_clinical_claim(draft, now, more):
    assert results(with_body(draft, draft.body + more), now)["clinical claim"].blocks


# --- Relatives ----------------------------------------------------------------------------------


def test_a_percentage_is_the_offers_however_it_is_written(location, now):
    OutreachPolicy.current()
    OutreachPolicy.objects.update(treatment_names_in_sms=True)
    draft = make_draft(location, cause="price")
    assert "20%" in draft.body
    assert failing(with_body(draft, draft.body.replace("20%", "20 %")), now) == {"offer"}
    assert "numbers" in failing(with_body(draft, draft.library_body.replace("20%", "25%")), now)


def test_links_and_mail_addresses_come_from_the_library(draft, now):
    for link in ("https://evil.example/x", "www.evil.test", "bit.ly/abc", "me@evil.com"):
        assert "links" in failing(with_body(draft, f"{draft.library_body} {link}"), now)


def test_a_phone_number_of_somebody_else_is_found(draft, now):
    assert "numbers" in failing(with_body(draft, draft.body + " Call (646) 555-0199."), now)


def test_an_unfilled_field_is_found(draft, now):
    assert "missing field" in failing(with_body(draft, draft.body + " {favourite}"), now)


def test_the_way_out_must_stay_in_the_text(draft, now):
    assert "opt-out line" in failing(
        with_body(draft, draft.body.replace("Reply STOP to opt out.", "")), now
    )


def test_no_text_asks_for_a_word_that_means_stop(draft, now):
    assert "opt-out line" in failing(
        with_body(draft, draft.body + " Reply CANCEL to cancel your visit."), now
    )


def test_a_text_too_long_for_a_phone_is_refused(draft, now):
    long = with_body(draft, draft.library_body + " very" * 80)
    assert "length" in failing(long, now)


def test_unicode_makes_a_text_longer_and_names_the_culprit(draft, now):
    found = results(with_body(draft, draft.library_body + " 💆" + " so nice" * 3), now)["length"]
    assert not found.ok
    assert "💆" in found.message


def test_an_offer_that_is_no_longer_named_is_found(draft, now):
    body = draft.body.replace("complimentary upgrade", "small surprise")
    assert "offer" in failing(with_body(draft, body), now)


def test_an_address_the_carrier_closed_is_not_called_a_stop(draft, now):
    reason = "the carrier cannot reach this number"
    services.suppress(
        channel="sms", address=draft.address, source="carrier", reason=reason, now=now
    )
    found = results(draft, now)["consent"]
    assert found.blocks
    assert found.message.startswith(f"Nothing more goes to this address: {reason}.")


def test_stopped_and_changed_addresses_are_found(draft, now):
    services.suppress(channel="sms", address=draft.address, source="staff", reason="x", now=now)
    assert results(draft, now)["consent"].message.startswith("Said stop")


def test_unknown_time_zones_block(draft, now):
    guest = guest_of(draft)
    guest.time_zone = "Mars/Olympus"
    guest.save()
    assert results(draft, now)["calling hours"].blocks


def test_at_night_the_check_says_when_it_will_leave(draft, now):
    night = now + timedelta(hours=10)  # 22:00 in New York
    assert (
        results(draft, night)["calling hours"].message == "Waits for the morning: Sat 21 Nov, 09:00"
    )


def test_checking_many_drafts_takes_as_many_queries_as_checking_one(location, now):
    drafts = [make_draft(location) for _ in range(6)]
    some = list(
        Draft.objects.filter(pk__in=[d.pk for d in drafts]).select_related(
            "guest__contact", "location", "play", "template", "offer"
        )
    )
    counts = []
    for number in (1, 6):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            checks.check_drafts(some[:number], now=now)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8
