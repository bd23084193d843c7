"""The list of sequences, one guest's sequences, and what may be done with them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from audit.models import LedgerEntry
from outreach import services
from outreach.library.seed import AT_RISK
from outreach.models import Play, Run, Step
from tests.factories.outreach import make_draft

pytestmark = pytest.mark.usefixtures("library")
DAY = timedelta(days=1)


@pytest.fixture
def run(location, now) -> Run:
    run = make_draft(location, first_name="Marguerite").run
    Run.objects.filter(pk=run.pk).update(next_at=now + 4 * DAY)
    run.refresh_from_db()
    return run


@pytest.fixture
def page(client, manager):
    client.force_login(manager)

    def read(path: str = "", **query: str) -> str:
        answer = client.get(path or reverse("sequences"), query)
        assert answer.status_code == 200
        return answer.content.decode()

    return read


def test_the_list_says_where_a_guest_stands_and_what_comes_when(page, run) -> None:
    text = page()
    assert "Marguerite" in text
    assert "1 of 3 of At-risk check-in" in text
    assert "A message, words only" in text
    assert "24 Nov, 12:00" in text  # in the time of the location


def test_a_step_under_way_leads_to_its_draft(page, run) -> None:
    Run.objects.update(next_at=None)
    text = page(view="waiting")
    assert reverse("review-draft", args=[run.drafts.get().pk]) in text
    assert "Marguerite" in page(), "the list opens where there is something to see"
    nothing_set = page(view="running")
    assert "Marguerite" not in nothing_set
    assert "Every sequence has a step under way" in nothing_set
    assert 'href="?view=waiting"' in nothing_set


def test_the_desk_sees_the_list_without_scores_or_buttons(client, desk, run) -> None:
    client.force_login(desk)
    text = client.get(reverse("sequences")).content.decode()
    assert "Marguerite" in text
    assert ">82<" not in text
    assert reverse("sequence-pause", args=[run.pk]) not in text


def test_pausing_and_going_on_from_the_list(page, client, run, now, manager) -> None:
    client.post(reverse("sequence-pause", args=[run.pk]), {"next": "/sequences/?view=paused"})
    text = page(view="paused")
    assert "of the wait left" in text
    assert "Dana" in text
    client.post(reverse("sequence-resume", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING


def test_ending_from_the_list_says_who_ended_it(page, client, run) -> None:
    client.post(reverse("sequence-end", args=[run.pk]))
    assert "Left: ended by a person" in page(view="ended")


def test_all_of_a_play_at_a_location_at_once(client, manager, regional, run, location) -> None:
    client.force_login(manager)
    scope = {"play": run.play_id, "location": location.pk}
    client.post(reverse("sequences-pause"), scope)
    run.refresh_from_db()
    assert run.state == Run.State.PAUSED
    client.force_login(regional)
    client.post(reverse("sequences-resume"), scope)
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING


def test_foreign_scopes_are_not_found(client, manager, run, elsewhere) -> None:
    client.force_login(manager)
    for scope in ({"play": "no-such"}, {"location": elsewhere.pk}, {"location": "x"}):
        assert client.post(reverse("sequences-pause"), scope).status_code == 404
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING


def test_each_filter_names_itself_when_nothing_fits(page, run) -> None:
    assert "Nothing is paused" in page(view="paused")
    assert "No sequence here" in page(view="paused", play=run.play_id)


def test_a_guests_sequences_as_part_and_as_page(client, manager, run, now) -> None:
    client.force_login(manager)
    path = reverse("guest-sequences", args=[run.guest_id])
    whole = client.get(path).content.decode()
    part = client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert "<html" in whole
    assert "<html" not in part
    assert "1 of 3 of At-risk check-in" in part
    services.end_run(run_id=run.pk, by=manager, now=now)
    part = client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert "Left: ended by a person" in part
    assert reverse("member", args=[run.guest_id]) not in part  # nothing left to press


def test_the_card_and_outgoing_say_which_step_it_is(client, manager, run, now) -> None:
    client.force_login(manager)
    draft = run.drafts.get()
    assert "1 of 3 of At-risk check-in" in client.get(reverse("review")).content.decode()
    services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)
    assert "1 of 3 of At-risk check-in" in client.get(reverse("outgoing")).content.decode()


@pytest.mark.parametrize("view", ["running", "waiting", "paused", "ended"])
def test_the_list_asks_the_same_number_of_questions_however_long_it_is(
    client, manager, location, now, view, django_assert_max_num_queries
) -> None:
    client.force_login(manager)
    for _ in range(6):
        make_draft(location)
    changes = {
        "running": {"next_at": now + DAY},
        "waiting": {},
        "paused": {"state": "paused", "paused_at": now, "remaining": DAY},
        "ended": {"state": "finished", "ended_at": now},
    }
    Run.objects.update(**changes[view])
    with django_assert_max_num_queries(14):  # with the two of the head of every page
        client.get(reverse("sequences"), {"view": view})


# --- The steps of a play --------------------------------------------------------------------------

STEPS = "/settings/sequences/at-risk-check-in/"
AS_SEEDED = {
    "does_1": "offer", "does_2": "words", "days_2": 4, "hours_2": 0, "cause_2": "follow_up",
    "does_3": "call", "days_3": 3, "note_3": "Ask how it is going.",
    "leaves_on": ["booked", "came"],
}  # fmt: skip


def test_a_regional_manager_changes_the_steps(client, regional) -> None:
    client.force_login(regional)
    changed = {**AS_SEEDED, "days_2": 2, "hours_2": 12, "off_3": "on", "choose_time": "on"}
    assert client.post(STEPS, changed).status_code == 302
    second, third = Step.objects.filter(play=AT_RISK, number__gt=1).order_by("number")
    assert (second.wait_hours, second.cause, third.is_active) == (60, "follow_up", False)
    play = Play.objects.get(pk=AT_RISK)
    assert (play.leaves_on, play.choose_time) == (["booked", "came"], True)
    told = LedgerEntry.objects.get(event="sequence.steps_changed")
    assert "2 after 60 h words" in told.body
    client.post(STEPS, changed)  # nothing changed is no act
    assert LedgerEntry.objects.filter(event="sequence.steps_changed").count() == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"days_2": 0}, "Step 2 needs a wait of an hour or more"),
        ({"days_2": -1}, "greater than or equal to 0"),
        ({"cause_2": "last_word"}, "Step 2: no text in use fits for text message"),
        ({"note_3": " "}, "say what the desk should call about"),
        ({"does_1": "call"}, "Select a valid choice"),
        ({"does_1": ""}, "This field is required"),
    ],
)
def test_steps_that_cannot_work_are_refused_with_what_to_mend(
    client, regional, change, said
) -> None:
    client.force_login(regional)
    before = list(Step.objects.values())
    answer = client.post(STEPS, {**AS_SEEDED, **change})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert list(Step.objects.values()) == before


def test_a_manager_reads_the_steps_and_changes_none(client, manager) -> None:
    client.force_login(manager)
    assert "A regional manager may change them" in client.get(STEPS).content.decode()
    assert client.post(STEPS, {**AS_SEEDED, "days_2": 2}).status_code == 422
    assert Step.objects.get(play=AT_RISK, number=2).wait_hours == 96


def test_a_line_left_out_moves_the_later_ones_up(client, regional) -> None:
    client.force_login(regional)
    client.post(STEPS, {**AS_SEEDED, "does_2": ""})
    assert [step.is_call for step in Step.objects.filter(play=AT_RISK).order_by("number")] == [
        False,
        True,
    ]
