"""A small chain whose members all deserve a message: people, guests, drafts. No approval yet.

Import only after the stack has set the environment: Django reads it once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
from django.core.management import call_command
from django.db.models import F

from audit import clock
from audit.models import JobRun
from benchmarks.storm.stack import phone
from config.demo_clock import demo_instant
from config.nightly import STAGES
from memberships.models import Guest, Location, Membership, Plan, SyncCursor
from outreach.drafting.candidates import Candidate
from outreach.drafting.making import draft_for
from outreach.library.seed import AT_RISK
from outreach.models import OutreachPolicy, Play
from staff.models import User

PASSWORD = "storm-and-stress"  # noqa: S105 - lives as long as the storm
APPROVER = "approver"
PLENTY_CENTS = 10**9
BATCH = 2_000


def make(*, sends: int) -> int:
    """Draft at least `sends` messages. Returns how many drafts there are."""
    # In calling hours now, for as long as the storm lasts.
    machine = datetime.now(UTC)
    clock.move(seconds=int((demo_instant(machine) - machine).total_seconds()))
    now = clock.now()
    call_command("seed_library", verbosity=0)
    Play.objects.update(daily_limit=10**6)
    policy = OutreachPolicy.current()
    OutreachPolicy.objects.filter(pk=policy.pk).update(
        outgoing_minutes=0,
        location_day_cents=PLENTY_CENTS,
        play_month_cents=PLENTY_CENTS,
        business_month_cents=PLENTY_CENTS,
    )
    locations = _locations(now)
    approver = User.objects.create_user(
        APPROVER, password=PASSWORD, role=User.Role.REGIONAL, approval_limit_cents=PLENTY_CENTS
    )
    approver.locations.set(locations)
    plan = Plan.objects.create(
        external_id="storm", name="Glow", kind=Plan.Kind.RECURRING, price_cents=8_900,
        period_months=1,
    )  # fmt: skip
    drafted, first = 0, 0
    while drafted < sends:
        count = min(BATCH, (sends - drafted) * 10 // 8 + 10)  # some stay in the comparison group
        members = _members(locations, plan, first=first, count=count)
        drafted += draft_for(
            play_key=AT_RISK, candidates=[_candidate(m) for m in members], now=now
        ).drafted
        first += count
    return drafted


def _locations(now: datetime) -> list[Location]:
    made = [
        Location.objects.create(
            external_id=f"storm-{n}", code=f"S{n}", name=f"Storm {n}",
            time_zone="America/New_York", region="NY",
        )
        for n in range(4)
    ]  # fmt: skip
    for location in made:
        for stream in ("guests", "members", "appointments"):
            SyncCursor.objects.create(location=location, stream=stream, complete_at=now)
        # The platform beside us does not know these locations: their night is over.
        for stage in STAGES:
            JobRun.objects.create(
                job=stage.job, period=location.today(now).isoformat(), location_id=location.pk,
                status=JobRun.Status.DONE, attempt=1, started_at=now, finished_at=now,
            )  # fmt: skip
    return made


def _members(locations: list[Location], plan: Plan, *, first: int, count: int) -> list[Membership]:
    started_on = locations[0].today(clock.now()) - timedelta(days=365)
    guests = Guest.objects.bulk_create(
        Guest(
            external_id=f"storm-{n}", code=f"S{n}", location=locations[n % len(locations)],
            first_name="Ada", last_name=f"Moss{n}", email=f"ada{n}@example.test",
            phone=phone(n), language="en", sms_marketing=True, sms_transactional=True,
            email_marketing=True,
        )
        for n in range(first, first + count)
    )  # fmt: skip
    return Membership.objects.bulk_create(
        Membership(
            external_id=f"storm-{guest.external_id}", guest=guest, location_id=guest.location_id,
            plan=plan, status=Membership.Status.ACTIVE,
            started_on=started_on, auto_renews=True, price_cents=8_900,
        )
        for guest in guests
    )  # fmt: skip


def _candidate(membership: Membership) -> Candidate:
    return Candidate(
        guest_id=membership.guest_id,
        location_id=membership.location_id,
        membership_id=membership.pk,
        cause="no_visits",
        evidence={"target": "churn", "score": 82, "band": "high", "reasons": [], "model": "storm"},
        facts={"favourite": "Massage", "days_away": "74", "unused_credits": "3"},
    )


def give_phones(sandbox: str, *, count: int) -> None:
    """Let the sandbox's world have the same people: who is delivered to may answer."""
    with psycopg.connect(sandbox) as connection:
        for table, more in (
            ("guest", "'phone', substr(p.phone, 3), 'email', 'ada' || p.n || '@example.test'"),
            ("nature", "'membership_id', 0"),
        ):
            connection.execute(
                f"""
                INSERT INTO {table}
                SELECT (jsonb_populate_record(one.row, jsonb_build_object(
                            'id', 1000000 + p.n, {more}))).*
                FROM (SELECT t AS row FROM {table} t ORDER BY id LIMIT 1) one
                CROSS JOIN unnest(%s::int[], %s::text[]) AS p (n, phone)
                """,  # noqa: S608 - names of our own
                [list(range(count)), [phone(n) for n in range(count)]],
            )


def open_drafts() -> list[tuple[int, int]]:
    """Drafts that still await a decision, as (id, version)."""
    from outreach.models import Draft

    waiting = Draft.objects.filter(status=Draft.Status.PENDING).order_by(F("pk"))
    return list(waiting.values_list("pk", "version"))
