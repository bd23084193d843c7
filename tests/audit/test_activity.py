"""/activity/: who did what, told in sentences, only to those who serve the place."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from audit import selectors, services
from audit.models import LedgerEntry
from audit.services import Entry
from audit.views import guarded
from memberships.models import Location
from outreach.models import Play
from outreach.services import stop_sending
from staff.models import User
from tests.factories.memberships import GuestFactory
from tests.owner import as_owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client, manager: User):
    client.force_login(manager)

    def get(**query: object) -> str:
        answer = client.get(reverse("activity"), query)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def test_an_entry_reads_as_a_sentence_with_names(
    page, now: datetime, manager: User, location: Location
) -> None:
    guest = GuestFactory(location=location, first_name="Ada", last_name="<Moss>")
    services.record(
        "sample.created", at=now, by=manager, location_id=location.pk, guest_id=guest.pk
    )
    shown = page()
    assert f"<strong>{manager}</strong> drafted for" in shown
    assert "Ada &lt;Moss&gt;" in shown
    assert "Fri 20 Nov, 12:00" in shown  # the reader's zone


def test_no_code_name_and_no_bare_date_stands_in_a_sentence(
    page, now: datetime, regional: User, location: Location
) -> None:
    Play.objects.update_or_create(pk="at-risk-check-in", defaults={"name": "Check-in of the shy"})
    stop_sending(scope="play", key="at-risk-check-in", reason="Wrong", by=regional, now=now)
    stop_sending(scope="location", key=str(location.pk), reason="Flood", by=regional, now=now)
    services.record(
        "sequence.begun",
        at=now,
        location_id=location.pk,
        detail={"play": "at-risk-check-in", "step": 1},
    )
    services.record(
        "draft.snoozed", at=now, location_id=location.pk, detail={"until": "2026-11-24T14:00:00Z"}
    )
    shown = page()
    assert "began the sequence Check-in of the shy" in shown
    assert "until Tue 24 Nov 2026, 09:00" in shown  # the reader's zone
    assert f"stopped sending ({location.name}): Flood" in shown
    assert "sequence at-risk-check-in" not in shown


def test_what_gives_scores_is_told_by_what_was_learned_and_when(
    page, now: datetime, location: Location
) -> None:
    services.record(
        "score.run",
        at=now,
        location_id=location.pk,
        detail={
            "model": "churn-additive-2026-11-18-1",
            "scored": 812,
            "what": "members",
            "as_of": "2026-11-20",
        },
    )
    shown = page()
    assert "with the scoring of members learned on Wed 18 Nov 2026" in shown
    assert "churn-additive" not in shown


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_date_at_the_end_of_time_narrows_nothing(page, day: str) -> None:
    page(from_on="0001-01-01", to_on=day)
    page(from_on=day)


def test_a_character_that_cannot_be_kept_is_refused_everywhere(
    client: Client, manager: User
) -> None:
    client.force_login(manager)
    assert client.get(reverse("replies"), {"q": "a\x00b"}).status_code == 400
    answer = client.post(reverse("sending-stop"), {"reason": "a\x00b"})
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.content.decode()


def test_only_places_one_serves_are_told(
    page, now: datetime, location: Location, elsewhere: Location
) -> None:
    services.record_many(
        [
            Entry(event="sample.approved", at=now, location_id=place, detail={"cost_cents": cost})
            for place, cost in ((location.pk, 111), (elsewhere.pk, 222), (None, 333))
        ]
    )
    shown = page()
    assert "at 111 cents" in shown
    assert "at 222 cents" not in shown
    assert "at 333 cents" not in shown


def test_no_filter_leads_to_places_one_does_not_serve(
    page, now: datetime, manager: User, location: Location, elsewhere: Location
) -> None:
    for place, cost in ((location.pk, 111), (elsewhere.pk, 222), (None, 333)):
        services.record(
            "sample.approved",
            at=now,
            by=manager,
            location_id=place,
            guest_id=7,
            target=manager,
            detail={"cost_cents": cost},
        )
    for asked in (
        {"guest": 7},
        {"about": str(manager.pk)},
        {"person": manager.pk},
        {"event": "sample.approved"},
        {"event": "sample.", "guest": 7},
        {"event": "sample."},
    ):
        shown = page(**asked)
        told = [cost for cost in (111, 222, 333) if f"at {cost} cents" in shown]
        assert told == [111], asked
    assert selectors.chains_of(manager, elsewhere.pk) == []


def test_only_people_of_ones_own_places_are_offered(
    page, manager: User, desk: User, outsider: User
) -> None:
    shown = page()
    assert str(desk) in shown
    assert str(outsider) not in shown


def test_the_filters_narrow(
    page, now: datetime, manager: User, desk: User, location: Location
) -> None:
    def note(cost: int, **changes: object) -> None:
        usual = {"at": now, "by": manager, "location_id": location.pk}
        services.record("sample.approved", detail={"cost_cents": cost}, **{**usual, **changes})

    note(111, by=desk)
    note(222, guest_id=7)
    note(333, at=now - timedelta(days=3))
    note(444, at=now.replace(day=19, hour=4))  # still the 18th where the reader is
    services.record("sample.created", at=now, location_id=location.pk)

    def costs(**query: object) -> list[int]:
        shown = page(**query)
        return [cost for cost in (111, 222, 333, 444) if f"at {cost} cents" in shown]

    assert costs() == [111, 222, 333, 444]
    assert costs(person=desk.pk) == [111]
    assert costs(guest=7) == [222]
    assert costs(to_on="2026-11-17") == [333]
    assert costs(to_on="2026-11-18") == [333, 444]
    assert costs(from_on="2026-11-18") == [111, 222, 444]
    assert costs(from_on="2026-11-20") == [111, 222]
    assert costs(event="sample.created") == []
    assert costs(event="sample.") == [111, 222, 333, 444]
    assert costs(event="draft.") == []
    assert costs(location=location.pk) == [111, 222, 333, 444]
    assert costs(event="sample.", guest=7) == [222]
    assert costs(event="draft.", guest=7) == []


def test_what_was_about_one_thing_or_one_play_is_found(
    page, now: datetime, manager: User, location: Location
) -> None:
    Play.objects.create(key="win-back", name="Win back")
    for cost, changes in ((111, {"target": manager}), (222, {}), (333, {})):
        detail = {"cost_cents": cost} | ({"play": "win-back"} if cost == 333 else {})
        services.record(
            "sample.approved", at=now, location_id=location.pk, detail=detail, **changes
        )
    shown = page(about=str(manager.pk))
    assert ("at 111 cents" in shown, "at 222 cents" in shown) == (True, False)
    shown = page(play="win-back")
    assert ("at 333 cents" in shown, "at 222 cents" in shown) == (True, False)
    assert "Win back</option>" in shown
    assert "at 222 cents" in page(play="unknown"), "an error narrows nothing"


# --- At size --------------------------------------------------------------------------------------

FILL = """
INSERT INTO audit_ledgerentry (chain, seq, prev, hash, body, event, at, actor_id, actor_label,
    location_id, guest_id, target_type, target_id, play)
SELECT 'location:' || place, n, '', '', '{}', kinds[1 + n %% cardinality(kinds)],
    %(now)s - n * INTERVAL '1 minute', nullif(n %% 7, 0), 'somebody', place, n %% 5000,
    'outreach.draft', (n %% 30000)::text, CASE WHEN n %% 3 = 0 THEN 'win-back' ELSE '' END
FROM generate_series(1, %(each)s) AS n, unnest(%(places)s::bigint[]) AS place,
    (SELECT %(kinds)s::text[] AS kinds) k
"""
ASKED: list[dict[str, Any]] = [
    {},
    {"event": "sample.approved"},
    {"event": "sample."},
    {"event": "guest.viewed"},
    {"person_id": 3},
    {"guest_id": 77},
    {"play": "win-back"},
    {"about": "77"},
    {"from_on": date(2026, 11, 1), "to_on": date(2026, 11, 10)},
    {"person_id": 999},
    {"person_id": 3, "event": "sample."},
]


@pytest.fixture
def hundred_thousand(db: None, now: datetime) -> list[str]:
    """Entries of ten locations, most of them looks; the chains."""
    kinds = ["guest.viewed"] * 6 + ["sample.created", "sample.approved"]
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_ledgerentry DISABLE TRIGGER USER")
        cursor.execute(
            FILL, {"now": now, "each": 10_000, "places": list(range(1, 11)), "kinds": kinds}
        )
        cursor.execute("ALTER TABLE audit_ledgerentry ENABLE TRIGGER USER")
        cursor.execute("ANALYZE audit_ledgerentry")
    return [f"location:{place}" for place in range(1, 11)]


def test_every_filter_goes_by_an_index_and_reads_few_rows(
    hundred_thousand: list[str], now: datetime
) -> None:
    for chains in (hundred_thousand[:1], hundred_thousand):
        for asked in ASKED:
            for before in (None, (now - timedelta(days=3), 50_000)):
                query, values = selectors._query(
                    chains, selectors.Filters(**asked), before=before, limit=51
                )
                with connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", values)
                    [(plan,)] = cursor.fetchall()
                scans = list(scans_of(plan[0]["Plan"]))
                told = (len(chains), asked, before, scans)
                assert all("Seq" not in kind for kind, _rows in scans), told
                # 51 of each chain and event of a group, and what is passed over on the way.
                assert sum(rows for _kind, rows in scans) <= 51 * len(chains) * 4 + 3_000, told


def scans_of(plan: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Kind of scan and rows read, kept or not, of every scan of the ledger."""
    if plan.get("Relation Name") == "audit_ledgerentry":
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        yield plan["Node Type"], rows * plan["Actual Loops"]
    for below in plan.get("Plans", []):
        yield from scans_of(below)


def test_the_page_and_the_whole_export_agree_at_size(
    hundred_thousand: list[str], now: datetime
) -> None:
    filters = selectors.Filters(event="sample.approved", person_id=3)
    found = list(selectors.everything(hundred_thousand, filters, before=(now, 2**63 - 1)))
    expected = LedgerEntry.objects.filter(event="sample.approved", actor_id=3)
    assert [entry.pk for entry in found] == list(
        expected.order_by("-at", "-pk").values_list("pk", flat=True)
    )
    assert found[:50] == selectors.newest(hundred_thousand, filters)


def test_pages_follow_each_other_without_gap_or_repeat(
    client: Client, manager: User, now: datetime, location: Location
) -> None:
    client.force_login(manager)
    services.record_many(
        [
            Entry(
                event="sample.approved", at=now, location_id=location.pk, detail={"cost_cents": n}
            )
            for n in range(120)
        ]
    )
    seen: list[str] = []
    query: dict[str, str] = {}
    for _ in range(3):
        answer = client.get(reverse("activity"), query)
        seen += [line.text for line in answer.context["lines"]]
        query = {"before": answer.context["more"]}
    assert query == {"before": ""}
    assert len(seen) == len(set(seen)) == 120


def test_a_long_list_takes_no_more_queries_than_a_short_one(
    client: Client, manager: User, now: datetime, location: Location, django_assert_max_num_queries
) -> None:
    guests = GuestFactory.create_batch(3, location=location)
    services.record_many(
        [
            Entry(
                event="sample.created",
                at=now,
                location_id=location.pk,
                guest_id=guests[n % 3].pk,
                target=manager,
            )
            for n in range(60)
        ]
    )
    client.force_login(manager)
    with django_assert_max_num_queries(12):
        client.get(reverse("activity"))


def test_the_export_holds_what_the_page_shows_and_is_noted(
    client: Client, manager: User, now: datetime, location: Location, elsewhere: Location
) -> None:
    bad = GuestFactory(location=location, first_name="=HYPERLINK(1)", last_name="")
    Location.objects.filter(pk=location.pk).update(name="=1+1")
    services.record_many(
        [
            Entry(event="sample.created", at=now, location_id=location.pk, guest_id=bad.pk),
            Entry(event="sample.created", at=now, location_id=elsewhere.pk),
        ]
    )
    client.force_login(manager)
    answer = client.get(reverse("activity-export"), {"event": "sample."})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [row["location"] for row in rows] == ["'=1+1"]
    assert rows[0]["sentence"].endswith("=HYPERLINK(1).")
    noted = LedgerEntry.objects.get(event="activity.exported")
    assert noted.actor_id == manager.pk
    assert "event=sample." in noted.body


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "\0"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(cell: str) -> None:
    assert guarded(cell) == "'" + cell
    assert guarded("a" + cell) == "a" + cell
