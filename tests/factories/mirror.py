"""A whole mirror made of numbers, written by COPY: members with habits who drift away, fall behind
with payments or stay, and bookings that are kept, cancelled or missed for reasons one can learn.

For tests of the risk engine and its benchmarks. It writes tables directly and follows their
constraints; nothing here is a real person or comes from the sandbox.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
from django.db import connection
from django.db.models import CharField, Model, TextField

from memberships import models
from tests.factories.memberships import LocationFactory, PlanFactory, ServiceFactory
from tests.owner import as_owner

DAY0 = date(1970, 1, 1)


@dataclass
class Mirror:
    """What was written, and the truth behind it."""

    location_ids: list[int]
    memberships: pd.DataFrame  # membership_id, hidden hazards of the last month
    appointments: int


def build(
    *, members: int = 300, months: int = 18, locations: int = 2, seed: int = 1,
    today: date = date(2026, 11, 20), signal: float = 1.0,
    base: float = -4.1,
) -> Mirror:  # fmt: skip
    """Write a mirror that ends with `today` (bookings up to two weeks ahead). `signal` 0 makes
    leaving pure chance, `base` is the log-odds of leaving in a month."""
    rng = np.random.default_rng(seed)
    places = [LocationFactory(external_id=f"mirror-{seed}-{n}").pk for n in range(locations)]
    plans = [PlanFactory(external_id=f"mirror-plan-{seed}-{n}", price_cents=6900 + 3000 * n).pk
             for n in range(3)]  # fmt: skip
    services = [
        ServiceFactory(external_id=f"mirror-service-{seed}-{n}", category=f"Kind {n % 3}").pk
        for n in range(6)
    ]
    first = (today - DAY0).days - months * 30
    end = (today - DAY0).days
    n = members
    ids = np.arange(1, n + 1) + (models.Guest.objects.order_by("-pk").values_list(
        "pk", flat=True).first() or 0)  # fmt: skip
    home = rng.choice(places, n)
    started = first - 30 + rng.integers(0, months * 30, n) * (rng.random(n) < 0.6)
    habit = rng.gamma(3.0, 0.7, n) + 0.4  # visits a month
    tendency = rng.beta(1.5, 8.0, n)  # to cancel
    plan = rng.integers(0, 3, n)
    ended = np.full(n, -1)
    involuntary = np.zeros(n, dtype=bool)
    drift = np.ones(n)  # falls when the member drifts away
    behind = np.zeros(n, dtype=bool)  # the newest payment failed
    hazard = np.zeros(n)
    books: list[pd.DataFrame] = []
    charges: list[pd.DataFrame] = []
    for month in range(months + 1):  # the last one holds only bookings made already
        opens = first + month * 30
        live = (started < opens + 30) & (ended < 0)
        starts_drifting = live & (rng.random(n) < 0.06)
        drift = np.where(starts_drifting, 0.25, np.where(rng.random(n) < 0.15, 1.0, drift))
        fails = live & (rng.random(n) < np.where(behind, 0.5, 0.03))
        behind = fails
        lonely = drift < 1
        log_odds = base + signal * (3.2 * lonely + 0.5 * (plan == 2) - 0.3 * (habit > 2.5))
        hazard = 1 / (1 + np.exp(-log_odds))
        leaves = live & (rng.random(n) < hazard)
        thrown = live & ~leaves & behind & (rng.random(n) < 0.30 * signal + 0.01)
        on = opens + rng.integers(0, 30, n)
        gone = (leaves | thrown) & (on > started) & (on < end)
        charges.append(pd.DataFrame({
            "guest": ids[live], "location": home[live],
            "on": np.maximum(opens + 1, started[live]),
            "failed": fails[live], "cents": 6900 + 3000 * plan[live]}))  # fmt: skip
        visits = rng.poisson(np.where(live, habit * drift, 0))
        who = np.repeat(np.arange(n), visits)
        day = np.maximum(opens, started[who]) + rng.integers(0, 30, len(who))
        lead = np.minimum(rng.exponential(9.0, len(who)), 60)
        odds = -3.0 + 0.06 * lead + 4.0 * (tendency[who] - 0.15) + 0.8 * lonely[who]
        fall = rng.random(len(who)) < 1 / (1 + np.exp(-odds))
        kept = (day < np.where(gone, on, 10**9)[who]) & (day < end + 14)
        books.append(pd.DataFrame({
            "who": who, "day": day, "lead": lead, "fall": fall,
            "no_show": fall & (rng.random(len(who)) < 0.15),
            "notice": rng.random(len(who)) * np.maximum(lead, 0.05),
            "service": rng.choice(services, len(who))})[kept])  # fmt: skip
        ended = np.where(gone, on, ended)
        involuntary |= gone & thrown
    _guests(ids, home)
    _memberships(ids, home, np.array(plans)[plan], started, ended, involuntary, 6900 + 3000 * plan)
    _charges(pd.concat(charges), end)
    rows = _appointments(pd.concat(books, ignore_index=True), ids, home, end, rng)
    roll_up()
    with connection.cursor() as cursor:
        for table in ("guest", "membership", "appointment", "charge", "guestday"):
            cursor.execute(f"ANALYZE memberships_{table}")
    truth = pd.DataFrame({"membership_id": ids, "hazard": hazard, "lonely": drift < 1})
    return Mirror(location_ids=places, memberships=truth, appointments=rows)


def copy(model: type[Model], rows: pd.DataFrame) -> None:
    """Write rows whose columns are named as those of the table. Columns left out get the default of
    their field; empty text stays empty text."""
    text_columns = []
    for column in model._meta.concrete_fields:
        is_text = isinstance(column, CharField | TextField)
        missing = column.column not in rows
        if missing and not column.null and not column.primary_key:
            rows[column.column] = "{}" if column.column == "tags" else column.get_default()
        if is_text and column.column in rows:
            text_columns.append(column.column)
    text = io.StringIO()
    rows.to_csv(text, header=False, index=False)
    names = ", ".join(f'"{name}"' for name in rows.columns)
    forced = ", ".join(f'"{name}"' for name in text_columns)
    statement = (
        f"COPY {model._meta.db_table} ({names}) FROM STDIN (FORMAT CSV, FORCE_NOT_NULL ({forced}))"
    )
    # Row security refuses COPY; the product copies into temporary tables only.
    with as_owner(), connection.cursor() as cursor, cursor.copy(statement) as out:
        out.write(text.getvalue())


def days(numbers: np.ndarray) -> pd.Series:
    """Days since 1970 as dates; negative is NULL."""
    found = pd.Series(pd.to_datetime(np.maximum(numbers, 0), unit="D").strftime("%Y-%m-%d"))
    return found.where(numbers >= 0, None)


def instants(numbers: np.ndarray) -> pd.Series:
    """Days since 1970 with a fraction as UTC instants; NaN is NULL."""
    whole = pd.to_datetime(np.nan_to_num(numbers), unit="D", utc=True).floor("s")
    return pd.Series(whole.strftime("%Y-%m-%dT%H:%M:%SZ")).where(~np.isnan(numbers), None)


def _guests(ids: np.ndarray, home: np.ndarray) -> None:
    copy(models.Guest, pd.DataFrame({
        "id": ids, "external_id": [f"mirror-guest-{i}" for i in ids], "code": "",
        "location_id": home, "first_name": "Guest", "last_name": [f"No{i}" for i in ids],
        "email": "", "phone": "", "phone_as_given": "", "gender": "", "language": "en",
        "time_zone": "", "sms_marketing": True, "sms_transactional": True,
        "email_marketing": True, "tags": "{}"}))  # fmt: skip


def _memberships(ids, home, plan, started, ended, involuntary, cents) -> None:  # type: ignore[no-untyped-def]
    gone = ended >= 0
    copy(models.Membership, pd.DataFrame({
        "id": ids, "external_id": [f"mirror-membership-{i}" for i in ids], "guest_id": ids,
        "location_id": home, "plan_id": plan,
        "status": np.where(gone, "cancelled", "active"), "recurrence_status": "",
        "started_on": days(started), "member_since_on": days(started), "ended_on": days(ended),
        "ending": np.where(gone, np.where(involuntary, "involuntary", "voluntary"), ""),
        "auto_renews": True, "price_cents": cents}))  # fmt: skip


def _charges(rows: pd.DataFrame, end: int) -> None:
    rows = rows[rows["on"] < end].reset_index(drop=True)
    copy(models.Charge, pd.DataFrame({
        "external_id": [f"mirror-charge-{g}-{i}" for i, g in enumerate(rows.guest)],
        "membership_id": rows.guest, "guest_id": rows.guest, "location_id": rows.location,
        "charged_on": days(rows.on.to_numpy()),
        "status": np.where(rows.failed, "failed", "paid"), "amount_cents": rows.cents,
        "due_cents": 0, "payment_type": "card", "decline_code": "", "invoice_no": ""}))  # fmt: skip


def _appointments(
    rows: pd.DataFrame, ids: np.ndarray, home: np.ndarray, end: int, rng: np.random.Generator
) -> int:
    start = rows.day.to_numpy() + (14 + rng.integers(0, 9, len(rows))) / 24
    booked = start - rows.lead.to_numpy() - 0.05
    known = booked < end
    rows, start, booked = rows[known].reset_index(drop=True), start[known], booked[known]
    cancelled_at = np.where(rows.fall & ~rows.no_show, start - rows.notice, np.nan)
    past = start < end
    cancelled = rows.fall & ~rows.no_show & (past | (cancelled_at < end))
    status = np.select(
        [cancelled, past & rows.no_show, past], ["cancelled", "no_show", "completed"], "booked"
    )
    copy(models.Appointment, pd.DataFrame({
        "external_id": [f"mirror-appointment-{ids[0]}-{i}" for i in range(len(rows))],
        "group_external_id": "", "invoice_external_id": "",
        "location_id": home[rows.who], "guest_id": ids[rows.who], "service_id": rows.service,
        "status": status, "booked_at": instants(booked), "starts_at": instants(start),
        "ends_at": instants(start + 1 / 24), "starts_on": days(np.floor(start).astype(int)),
        "cancelled_at": instants(np.where(cancelled, cancelled_at, np.nan)),
        "is_late_cancellation": cancelled & (rows.notice < 1), "cancel_reason": "",
        "channel": np.where(rows.lead > 10, "online", "desk"), "price_cents": 9500}))  # fmt: skip
    return len(rows)


def roll_up() -> None:
    """Guest days from the book, as the sync makes them."""
    with connection.cursor() as cursor:
        cursor.execute("""
            INSERT INTO memberships_guestday
                (guest_id, location_id, "on", visits, cancelled, late_cancelled, no_shows,
                 spend_cents)
            SELECT guest_id, location_id, starts_on,
                COUNT(*) FILTER (WHERE status = 'completed'),
                COUNT(*) FILTER (WHERE status = 'cancelled'),
                COUNT(*) FILTER (WHERE status = 'cancelled' AND is_late_cancellation),
                COUNT(*) FILTER (WHERE status = 'no_show'),
                COALESCE(SUM(price_cents) FILTER (WHERE status = 'completed'), 0)
            FROM memberships_appointment GROUP BY guest_id, location_id, starts_on
            ON CONFLICT (guest_id, location_id, "on") DO NOTHING""")


def midday(on: date) -> datetime:
    """Noon in New York on the day, as an instant."""
    return datetime(on.year, on.month, on.day, 17, tzinfo=UTC)


def ago(today: date, number: int) -> date:
    return today - timedelta(days=number)
