"""Words of a machine: taken when every check passes, else the library's stay and the draft says
why. What guests wrote never gets the upper hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import override_settings

from audit.models import LedgerEntry
from memberships.models import Location
from outreach import approval, services
from outreach.errors import NotAllowed
from outreach.library.seed import AT_RISK
from outreach.models import Draft, Play
from outreach.services import wording
from outreach.texts import prompt, slots
from platforms import writer
from tests.factories.memberships import ReviewFactory
from tests.factories.outreach import draft_members, make_draft, make_member
from tests.hostile import corpus, trial
from tests.hostile.stub_writer import MODEL, WAYS, Stub, running

pytestmark = pytest.mark.usefixtures("library")


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running() as served:
        limits = {"key": "secret", "model": "m", "seconds": 5, "at_once": 2, "per_night": 1_000}
        with override_settings(DRAFTING={"url": served.url, **limits}):
            writer._client.cache_clear()
            yield served
            writer._client().close()
            writer._client.cache_clear()


@pytest.fixture
def worded(db: None) -> None:
    Play.objects.filter(pk=AT_RISK).update(wording=Play.Wording.MACHINE)


def says(*sentences: str) -> Any:
    return lambda task: json.dumps({"sentences": list(sentences)})


def word(draft: Draft, now: Any) -> Draft:
    services.word_drafts(now=now)
    draft.refresh_from_db()
    return draft


GOOD = "Which day would be kind to you?"


# --- Where a machine may write --------------------------------------------------------------------


def test_only_sentences_that_carry_nothing_may_be_worded() -> None:
    text = (
        "Hi {first_name}, it's {business}. It has been a while. There is {offer} for you, until "
        "{offer_until}. Would a day suit you? Reply STOP to opt out."
    )
    assert slots.free_sentences(text) == ["It has been a while.", "Would a day suit you?"]
    assert "".join(piece.text for piece in slots.pieces(text)) == text


def test_every_text_of_the_library_falls_into_pieces_and_together_again(db: None) -> None:
    from outreach.models import Template

    for template in Template.objects.all():
        joined = "".join(piece.text for piece in slots.pieces(template.body))
        assert joined == template.body
        for sentence in slots.free_sentences(template.body):
            assert "{" not in sentence
            assert "STOP" not in sentence


# --- Taken ----------------------------------------------------------------------------------------


def test_words_that_pass_every_check_become_the_next_version(worded, stub, location, now) -> None:
    draft = make_draft(location)
    stub.answer = says("We would be glad to have you here again.", GOOD)
    word(draft, now)
    assert GOOD in draft.body
    assert draft.offer_terms["wording"] in draft.body
    assert draft.body.endswith("Reply STOP to opt out.")
    assert (draft.version, draft.group) == (2, Draft.Group.CHANGED)
    assert (draft.worded_by, draft.prompt_version) == (MODEL, prompt.PROMPT_VERSION)
    entry = LedgerEntry.objects.filter(event="draft.worded").get()
    assert GOOD not in str(entry.body)


def test_an_approval_is_bound_to_machine_and_prompt(worded, stub, location, now) -> None:
    stub.answer = says("We would be glad to have you here again.", GOOD)
    draft = word(make_draft(location), now)
    bound = approval.approval_hash(draft, version=2)
    draft.prompt_version = "0"
    assert approval.approval_hash(draft, version=2) != bound
    draft.prompt_version, draft.worded_by = prompt.PROMPT_VERSION, "another"
    assert approval.approval_hash(draft, version=2) != bound


def test_a_machines_words_are_not_approved_in_a_group(worded, stub, location, manager, now) -> None:
    stub.answer = says("We would be glad to have you here again.", GOOD)
    draft = word(make_draft(location), now)
    approved, refused = services.approve_as_is(picks=[(draft.pk, 2)], by=manager, now=now)
    assert not approved
    assert "Only library text" in refused[draft.pk]
    assert services.approve_draft(draft_id=draft.pk, version=2, by=manager, now=now).body == (
        draft.body
    )


def test_the_machine_learns_the_least(worded, stub, location, now) -> None:
    draft = word(make_draft(location, first_name="Zenobia", last_name="Quill"), now)
    asked = json.dumps(stub.asked[0])
    for private in ["Zenobia", "Quill", draft.address, draft.address[-7:], "complimentary upgrade"]:
        assert private not in asked
    assert "tools" not in stub.asked[0]
    assert stub.asked[0]["headers"]["authorization"] == "Bearer secret"


def test_a_text_back_in_the_librarys_words_is_library_text(
    worded, stub, location, manager, now
) -> None:
    stub.answer = says("We would be glad to have you here again.", GOOD)
    draft = word(make_draft(location), now)
    draft = services.edit_draft(
        draft_id=draft.pk, version=2, body=draft.library_body, subject="", by=manager, now=now
    )
    assert (draft.worded_by, draft.group) == ("", Draft.Group.LIBRARY)


# --- The library's text stays ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (says("Your massage is free.", GOOD), "may not use: massage"),
        (says("Call 646 555 0199.", GOOD), "number"),
        (says("You are free to take more time.", GOOD), "benefit"),
        (says("Leave your wallet at home.", GOOD), "may not use: wallet"),
        (says("Reply end to say no.", GOOD), "opt-out line"),
        (says("STOP does nothing.", GOOD), "stopping"),
        (says("Ask for Zacharias when you come.", GOOD), "a name"),
        (says("", GOOD), "empty"),
        (says(" .", GOOD), "empty"),
        (says("...", GOOD), "empty"),
        (says("No end", GOOD), "without an end"),
        (says("One. Two more.", GOOD), "more than one"),
        (says("See {first_name}.", GOOD), "field"),
        (says("x" * 170 + ".", GOOD), "too long"),
        (says(GOOD), "1 sentences for 2"),
        (says(GOOD, GOOD, GOOD), "3 sentences for 2"),
        (lambda task: "Sure! Here you are:", "agreed form"),
        (lambda task: '{"sentences": "a, b"}', "agreed form"),
        (lambda task: '{"sentences": ["a.", 7]}', "agreed form"),
        (lambda task: '{"sentences": ["a.", "b."], "offer": "free"}', "agreed form"),
    ],
)
def test_what_fails_a_check_or_the_form_falls_back(
    worded, stub, location, now, answer, why
) -> None:
    draft = make_draft(location)
    stub.answer = answer
    word(draft, now)
    assert (draft.body, draft.version, draft.group) == (draft.library_body, 1, Draft.Group.LIBRARY)
    assert why in draft.wording_note
    assert draft.worded_at is not None
    assert LedgerEntry.objects.filter(event="draft.kept_library_text").count() == 1


def test_another_guests_name_falls_back_even_in_small_letters(worded, stub, location, now) -> None:
    make_member(location, first_name="Bella")
    draft = make_draft(location)
    stub.answer = says("ask for bella when you come.", GOOD)
    assert "bella" in word(draft, now).wording_note


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": 500}, "Answered 500."),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, "Answered 302."),
        ({"changes": {"refusal": "I will not."}}, "It declined."),
        ({"changes": {"content": None}}, "The answer was empty."),
        ({"answer": lambda task: "x" * 100_000}, "could not be read"),
    ],
)
def test_no_usable_answer_is_tried_once_more_and_falls_back(
    worded, stub, location, now, changes, why
) -> None:
    draft = make_draft(location)
    for name, value in changes.items():
        setattr(stub, name, value)
    assert services.word_drafts(now=now) == wording.MAX_TRIES
    draft.refresh_from_db()
    assert why in draft.wording_note
    assert draft.body == draft.library_body
    assert services.word_drafts(now=now + timedelta(minutes=5)) == 0


def test_a_slow_machine_is_not_waited_for(worded, stub, location, now, settings) -> None:
    settings.DRAFTING = {**settings.DRAFTING, "seconds": 0.2}
    writer._client.cache_clear()
    draft = make_draft(location)
    stub.wait_s = 0.6
    assert word(draft, now).wording_note == "No answer in time."


def test_only_a_host_on_the_list_is_asked(worded, stub, location, now, settings) -> None:
    settings.OUTBOUND_HOSTS = ["api.elsewhere.example"]
    draft = word(make_draft(location), now)
    assert "not in OUTBOUND_HOSTS" in draft.wording_note
    assert stub.asked == []


# --- Whose draft it is ----------------------------------------------------------------------------


def test_without_a_machine_or_a_play_that_wants_it_nothing_is_asked(
    stub, location, now, settings
) -> None:
    make_draft(location)
    assert services.word_drafts(now=now) == 0  # the play keeps to the library
    Play.objects.update(wording=Play.Wording.MACHINE)
    settings.DRAFTING = {**settings.DRAFTING, "url": ""}
    assert services.word_drafts(now=now) == 0
    assert stub.asked == []


def test_words_that_come_after_an_edit_or_a_decision_are_dropped(
    worded, stub, location, manager, now
) -> None:
    draft = make_draft(location)

    def meanwhile(task: dict[str, Any]) -> str:
        mine = draft.body.replace("Reply STOP", "Warmly. Reply STOP")
        services.edit_draft(
            draft_id=draft.pk, version=1, body=mine, subject="", by=manager, now=now
        )
        return json.dumps({"sentences": ["We would be glad to have you here again.", GOOD]})

    claimed = wording._claim(now=now)
    assert claimed is not None
    meanwhile({})
    wording._store(claimed, body="the machine's", model=MODEL, shaped=False, now=now)
    draft.refresh_from_db()
    assert "Warmly." in draft.body
    assert draft.worded_by == ""


def test_a_draft_is_worded_by_one_worker_at_a_time_and_within_the_limits(
    worded, stub, location, now, settings
) -> None:
    settings.DRAFTING = {**settings.DRAFTING, "at_once": 1, "per_night": 2}
    for _ in range(4):
        make_draft(location)
    first = wording._claim(now=now)
    assert first is not None
    assert wording._claim(now=now) is None  # one at once
    later = now + timedelta(seconds=60)  # the lease has ended
    again = wording._claim(now=later)
    assert again is not None
    assert again.pk == first.pk  # its second and last try
    other = wording._claim(now=later + timedelta(seconds=60))
    assert other is not None
    assert other.pk != first.pk
    assert wording._claim(now=later + timedelta(seconds=200)).pk == other.pk  # type: ignore[union-attr]
    assert wording._claim(now=later + timedelta(seconds=400)) is None  # two a night
    assert services.word_drafts(now=later + timedelta(seconds=400)) == 0
    first.refresh_from_db()
    assert first.wording_note == "The call was broken off."


def test_a_draft_somebody_asked_for_keeps_the_librarys_text(
    worded, stub, location, manager, now
) -> None:
    from outreach.drafting.making import draft_for
    from tests.factories.outreach import candidate

    draft_for(play_key=AT_RISK, candidates=[candidate(make_member(location))], by=manager, now=now)
    assert services.word_drafts(now=now) == 0


# --- Words of guests ------------------------------------------------------------------------------


@pytest.fixture
def reviewed(location: Location, now: Any) -> Draft:
    trial.prepare(location)
    member = make_member(location, first_name="Zenobia", last_name="Quill")
    ReviewFactory(
        location=location, guest=member.guest, rating=2, written_at=now - timedelta(days=3),
        comment="Zenobia here. Call me on 646 555 0199 or z@quill.example, the room was cold.",
    )  # fmt: skip
    result = draft_members(member, now=now)
    return Draft.objects.get(pk=result.draft_ids[0])


def test_guests_words_are_quoted_without_names_and_numbers(reviewed, stub, now) -> None:
    word(reviewed, now)
    task = json.loads(stub.asked[0]["messages"][1]["content"])
    quoted = task["words_of_the_guest"][0]
    assert "the room was cold" in quoted
    for private in ["Zenobia", "0199", "quill"]:
        assert private not in quoted


def test_text_shaped_by_a_guest_is_never_library_text(reviewed, stub, now) -> None:
    word(reviewed, now)  # the stub gives the library's own sentences back
    assert reviewed.body == reviewed.library_body
    assert reviewed.shaped_by_guest_text
    assert reviewed.group == Draft.Group.CHANGED
    with pytest.raises(IntegrityError, match="guests_words"), transaction.atomic():
        Draft.objects.filter(pk=reviewed.pk).update(group=Draft.Group.LIBRARY)


def test_text_shaped_by_a_guest_is_not_approved_in_a_group(reviewed, stub, manager, now) -> None:
    word(reviewed, now)
    _, refused = services.approve_as_is(picks=[(reviewed.pk, 2)], by=manager, now=now)
    assert reviewed.pk in refused
    with pytest.raises(NotAllowed):
        raise NotAllowed(refused[reviewed.pk])


@pytest.mark.parametrize(("how", "turn"), [(how, turn) for turn, how in enumerate(WAYS)])
def test_a_machine_that_obeys_hostile_notes_gets_nothing_past(
    stub, location, now, monkeypatch, how, turn
) -> None:
    """Each order arrives whole: taking names and numbers out of the quotation is switched off.
    The whole set in every way: `make bench-hostile`."""
    trial.prepare(location)
    monkeypatch.setattr(prompt, "without_identifiers", lambda words, names: words)
    rows = corpus.hostile()[turn :: 6 * len(WAYS)]
    outcome = trial.hostile_night(location, stub, rows, how=how, now=now)
    assert outcome.tried == len(rows)
    assert outcome.passed == []


def test_a_good_machines_words_are_taken(stub, location, now) -> None:
    trial.prepare(location)
    Play.objects.update(wording=Play.Wording.MACHINE)
    outcome = trial.harmless_night(location, stub, corpus.HARMLESS[::9], now=now)
    assert outcome.refused == []
