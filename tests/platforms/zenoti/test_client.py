from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests
import responses

from platforms import budget
from platforms.models import RateBudget
from platforms.zenoti.client import (
    Answer,
    Call,
    NoAccess,
    NotFound,
    Refused,
    Unavailable,
    ZenotiClient,
    parse,
)

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:9100/v1/centers"
CALL = Call("GET", "/v1/centers")


@pytest.fixture
def naps(monkeypatch):
    """Seconds the client would have slept; the test does not."""
    slept = []
    monkeypatch.setattr("platforms.zenoti.client.time.sleep", slept.append)
    monkeypatch.setattr("platforms.budget.time.sleep", slept.append)
    return slept


@pytest.fixture
def zenoti(naps):
    return ZenotiClient(clock=lambda: datetime(2026, 11, 20, tzinfo=UTC))


@responses.activate
def test_the_key_is_sent_as_the_platform_wants_it(zenoti):
    responses.get(URL, json={"centers": [], "error": None})
    assert zenoti.call(CALL).body == {"centers": [], "error": None}
    assert responses.calls[0].request.headers["Authorization"] == "apikey sandbox"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, {"error": {"code": 502, "message": "bad parameter"}}, Refused),
        (502, {"error": {"code": 502, "message": "bad parameter"}}, Refused),
        (422, {"code": 422, "message": "size"}, Refused),
        (400, {"Error": {"StatusCode": 419, "Message": "not paid"}}, Refused),
        (200, {"error": {"code": 438, "message": "no access"}}, NoAccess),
        (401, "Unauthorized", NoAccess),
        (404, {"error": {"code": 404, "message": "none"}}, NotFound),
    ],
)
@responses.activate
def test_a_wrong_request_is_never_repeated(zenoti, naps, status, body, error):
    given = {"body": body} if isinstance(body, str) else {"json": body}
    responses.get(URL, status=status, **given)
    with pytest.raises(error):
        zenoti.call(CALL)
    assert len(responses.calls) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 503},
        {"status": 500, "json": {"error": {"code": 500, "message": "oops"}}},
        {"body": requests.ReadTimeout("slow")},
        {"body": requests.ConnectionError("reset")},
        {"body": b'{"centers": [{"id"'},
    ],
)
@responses.activate
def test_a_trouble_that_passes_is_waited_out(zenoti, naps, trouble):
    responses.get(URL, **trouble)
    responses.get(URL, json={"centers": []})
    assert zenoti.call(CALL).body == {"centers": []}
    assert len(naps) == 1


@responses.activate
def test_a_trouble_that_stays_is_given_up(zenoti, naps):
    responses.get(URL, status=503)
    with pytest.raises(Unavailable):
        zenoti.call(CALL)
    assert len(responses.calls) == zenoti.manner.tries


@responses.activate
def test_429_closes_the_bucket_for_every_worker(zenoti, naps, monkeypatch):
    responses.get(URL, status=429, headers={"Retry-After": "30"})
    opened = []
    monkeypatch.setattr(
        budget, "close_for", lambda account, seconds: opened.append((account, seconds))
    )
    responses.get(URL, json={"centers": []})
    zenoti.call(CALL)
    assert opened == [(zenoti.account, 30.0)]


@responses.activate
def test_many_calls_answer_in_order_and_one_failure_stops_none(zenoti, naps):
    responses.get(URL + "/a", json={"n": 1})
    responses.get(URL + "/b", status=404, json={"error": {"code": 404, "message": "none"}})
    responses.get(URL + "/c", json={"n": 3})
    found = list(zenoti.call_many(Call("GET", f"/v1/centers/{name}") for name in "abc"))
    assert isinstance(found[0], Answer)
    assert isinstance(found[1], NotFound)
    assert found[2].body == {"n": 3}


@responses.activate
def test_each_call_takes_a_token(zenoti):
    responses.get(URL, json={"centers": []})
    for _ in range(3):
        zenoti.call(CALL)
    assert RateBudget.objects.get().tokens == pytest.approx(57, abs=0.5)


@responses.activate
def test_the_platforms_own_count_is_followed(zenoti):
    responses.get(URL, json={"centers": []}, headers={"RateLimit-Remaining": "5"})
    zenoti.call(CALL)
    assert RateBudget.objects.get().tokens <= 5


def open_account(per_minute=60):
    budget.open_account(account="a", per_minute=per_minute)


def test_the_bucket_never_gives_more_than_it_holds():
    open_account()
    given = [budget.take(account="a", interactive=True) for _ in range(65)]
    assert 60 <= sum(level is not None for level in given) <= 61
    assert RateBudget.objects.get().tokens >= 0


def test_background_work_leaves_a_share_to_people():
    open_account()
    while budget.take(account="a"):
        pass
    assert RateBudget.objects.get().tokens >= 11
    assert budget.take(account="a", interactive=True) is not None


def test_a_closed_bucket_gives_nothing_and_says_how_long():
    open_account()
    budget.close_for(account="a", seconds=30)
    assert budget.take(account="a", interactive=True) is None
    assert 28 < budget.wait_seconds(account="a", interactive=True) <= 31


def test_patience_ends(naps):
    open_account()
    budget.close_for(account="a", seconds=30)
    with pytest.raises(budget.BudgetSpent):
        budget.acquire(account="a", interactive=True, patience_seconds=0.0)


def test_a_new_limit_in_the_settings_is_taken_over():
    open_account(60)
    open_account(30)
    row = RateBudget.objects.get()
    assert (row.capacity, row.tokens) == (30, 30)


def test_broken_characters_do_not_hide_the_page():
    assert parse(b'{"name": "Jos\xe9"}') == {"name": "Jos�"}
    assert parse(b'{"name": "\\ud800"}') == {"name": "�"}
    with pytest.raises(Unavailable):
        parse(b'{"name": "Jos')
