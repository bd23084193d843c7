"""Webhook bodies: what happened, in Zenoti's envelope, queued in the outbox.

Times of bookings are UTC without a Z here; the local ones carry `_in_center`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg

from platforms.sandbox import catalogue as cat
from platforms.sandbox.days import Array, day_text, from_minute, minute_text
from platforms.sandbox.guid import ZERO, Guids, Kind
from platforms.sandbox.zenoti import shapes
from platforms.sandbox.zenoti.shapes import JSON

Connection = psycopg.Connection[Any]
Event = tuple[str, Array, Array]


BOOKING_FIELDS = (
    "id", "group_id", "guest_id", "center_id", "employee_id", "service_id", "start_min",
    "created_min", "duration", "status", "progress", "first", "last", "email", "e_first",
    "e_last", "e_gender",
)  # fmt: skip


class News:
    """Builds bodies set by set: one or two queries per kind of event, however many."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        row = connection.execute("SELECT seed FROM business").fetchone()
        self.guids = Guids(int(row[0]) if row else 0)
        self.centers = {
            row[0]: (row[1], row[2])
            for row in connection.execute("SELECT id, name, zone FROM center")
        }
        self.builders = {
            "Guest.Created": self._guests,
            "Guest.Updated": self._guests,
            "Guest.Membership.Created": self._memberships,
            "Guest.Membership.Freeze": self._freezes,
            "Guest.Membership.Unfreeze": self._freezes,
            "Guest.Membership.Cancelled": self._cancellations,
            "AppointmentGroup.Created": self._groups,
            "AppointmentGroup.Status": self._statuses,
            "Appointment.Completed": self._completed,
            "Appointment.Feedback": self._feedback,
            "Invoice.Closed": self._invoices,
        }

    def bodies(self, name: str, ids: list[int]) -> dict[int, JSON]:
        """`data` of each event by the number of its entity."""
        return self.builders[name](ids)

    def _rows(self, sql: str, ids: list[int]) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, [ids]).fetchall()

    def _local(self, center_id: int, minute: int) -> str:
        from platforms.sandbox.business import zone_offset

        return minute_text(minute, zone_offset(self.centers[center_id][1], minute // 1440))

    def _center(self, number: int) -> JSON:
        return {"id": self.guids.of(Kind.CENTER, number), "name": self.centers[number][0]}

    def _guests(self, ids: list[int]) -> dict[int, JSON]:
        result = {}
        for row in self._rows(
            f"SELECT {shapes.GUEST_COLUMNS} FROM guest WHERE id = ANY(%s)",  # noqa: S608
            ids,
        ):
            number, center_id, code, first, last, email, phone, gender = row[:8]
            result[number] = {
                "_id": number,
                "id": self.guids.of(Kind.GUEST, number),
                "code": code,
                "center_id": self.guids.of(Kind.CENTER, center_id),
                "center_name": self.centers[center_id][0],
                "personal_info": {
                    "first_name": first,
                    "last_name": last,
                    "email": email,
                    "gender": gender,
                    "mobile_phone": shapes.phone_json(phone),
                },
            }
        return result

    def _membership_rows(self, ids: list[int]) -> Iterable[JSON]:
        fields = [*shapes.MEMBER_FIELDS, "reason", "freeze_type"]
        columns = f"{shapes.MEMBER_COLUMNS}, m.reason, m.freeze_type"
        for row in self._rows(f"SELECT {columns} FROM membership m WHERE id = ANY(%s)", ids):  # noqa: S608
            yield dict(zip(fields, row, strict=True))

    def _memberships(self, ids: list[int]) -> dict[int, JSON]:
        result = {}
        for m in self._membership_rows(ids):
            plan = cat.PLANS[m["plan_id"] - 1]
            result[m["id"]] = {
                "user_membership_id": self.guids.of(Kind.MEMBERSHIP, m["id"]),
                "guest_id": self.guids.of(Kind.GUEST, m["guest_id"]),
                "status": m["status"],
                "recurrence_status": m["recurrence_status"],
                "member_since": day_text(m["start_day"]),
                "expiry_date": day_text(m["end_day"]),
                "next_collection_date": day_text(m["next_charge_day"]),
                "membership": {
                    "id": self.guids.of(Kind.PLAN, m["plan_id"]),
                    "code": plan.code,
                    "name": plan.name,
                    "type": int(plan.recurring),
                },
                "payments": {"payment_type": 1, "duration": plan.months, "duration_type": 2},
                "payment_history": [],
                "grace_period_date": None,
                "purchase": {
                    "price": {"final": m["price_cents"] / 100},
                    "date": day_text(m["sold_day"]),
                },
                "center": self._center(m["center_id"]),
                "service_balance": [],
            }
        return result

    def _freezes(self, ids: list[int]) -> dict[int, JSON]:
        """No guest id here, as at Zenoti."""
        return {
            m["id"]: {
                "user_membership_id": self.guids.of(Kind.MEMBERSHIP, m["id"]),
                "status": m["status"],
                "recurrence_status": m["recurrence_status"],
                "expiry_date": day_text(m["end_day"]),
                "next_collection_date": day_text(m["next_charge_day"]),
                "center": self._center(m["center_id"]),
                "freeze": {
                    "start_date": day_text(m["freeze_day"]),
                    "end_date": day_text(m["freeze_until_day"]),
                    "type": m["freeze_type"],
                    "fee": 0,
                    "comments": None,
                },
            }
            for m in self._membership_rows(ids)
        }

    def _cancellations(self, ids: list[int]) -> dict[int, JSON]:
        """`status` is still 1: the block `cancel` tells."""
        return {
            m["id"]: {
                "user_membership_id": self.guids.of(Kind.MEMBERSHIP, m["id"]),
                "status": m["status"],
                "expiry_date": day_text(m["end_day"]),
                "grace_period_date": None,
                "center": self._center(m["center_id"]),
                "cancel": {
                    "cancel_initiated_date": day_text(m["cancel_asked_day"]),
                    "cancel_date": day_text(m["cancel_asked_day"]),
                    "termination_date": day_text(m["terminate_day"]),
                    "reason": cat.REASONS[m["reason"] - 1][0] if m["reason"] else None,
                    "cancelled_by": "Guest",
                },
            }
            for m in self._membership_rows(ids)
        }

    def _booking_rows(self, groups: list[int]) -> Iterable[JSON]:
        sql = (
            "SELECT a.id, a.group_id, a.guest_id, a.center_id, a.employee_id, a.service_id, "
            "a.start_min, a.created_min, a.duration, a.status, a.progress, g.first_name, "
            "g.last_name, g.email, e.first_name, e.last_name, e.gender FROM appointment a "
            "JOIN guest g ON g.id = a.guest_id JOIN employee e ON e.id = a.employee_id "
            "WHERE a.group_id = ANY(%s) ORDER BY a.id"
        )
        for row in self._rows(sql, groups):
            yield dict(zip(BOOKING_FIELDS, row, strict=True))

    def _therapist(self, a: JSON) -> str:
        from platforms.sandbox import names

        first = (names.MEN if a["e_gender"] == 1 else names.WOMEN)[a["e_first"]]
        return f"{first} {names.SURNAMES[a['e_last']]}"

    def _groups(self, ids: list[int]) -> dict[int, JSON]:
        result: dict[int, JSON] = {}
        for a in self._booking_rows(ids):
            group = result.setdefault(
                a["group_id"],
                {
                    "invoice_id": self.guids.of(Kind.VISIT_INVOICE, a["group_id"]),
                    "invoice_number": f"A{a['group_id']}",
                    "utm_source": None,
                    "utm_medium": None,
                    "appointment_group_id": self.guids.of(Kind.GROUP, a["group_id"]),
                    "center_id": self.guids.of(Kind.CENTER, a["center_id"]),
                    "center_Name": self.centers[a["center_id"]][0],
                    "guest": {
                        "id": self.guids.of(Kind.GUEST, a["guest_id"]),
                        "first_name": a["first"],
                        "last_name": a["last"],
                        "email": a["email"],
                    },
                    "appointments": [],
                },
            )
            group["appointments"].append(
                {
                    "id": self.guids.of(Kind.APPOINTMENT, a["id"]),
                    "service_id": self.guids.of(Kind.SERVICE, a["service_id"]),
                    "service_name": cat.SERVICES[a["service_id"] - 1].name,
                    "start_time": minute_text(a["start_min"]),
                    "start_time_in_center": self._local(a["center_id"], a["start_min"]),
                    "creation_date": minute_text(a["created_min"]),
                    "service_duration_in_minutes": a["duration"],
                    "therapist_id": self.guids.of(Kind.EMPLOYEE, a["employee_id"]),
                    "therapist_name": self._therapist(a),
                }
            )
        return result

    def _statuses(self, ids: list[int]) -> dict[int, JSON]:
        """Only the invoice, the group and a number: no location, guest or reason."""
        rows = self._rows("SELECT id, group_id, status FROM appointment WHERE id = ANY(%s)", ids)
        return {
            number: {
                "invoice_id": self.guids.of(Kind.VISIT_INVOICE, group),
                "appointment_group_id": self.guids.of(Kind.GROUP, group),
                "appointment_group_status": status,
                "is_noshowfeerequired": "Yes" if status == cat.NO_SHOW else "No",
                "is_cancellationfeerequired": "No",
            }
            for number, group, status in rows
        }

    def _completed(self, ids: list[int]) -> dict[int, JSON]:
        result: dict[int, JSON] = {}
        for a in self._booking_rows(ids):
            group = result.setdefault(
                a["group_id"],
                {
                    "invoice_id": self.guids.of(Kind.VISIT_INVOICE, a["group_id"]),
                    "appointment_group_id": self.guids.of(Kind.GROUP, a["group_id"]),
                    "center_id": self.guids.of(Kind.CENTER, a["center_id"]),
                    "appointments": [],
                },
            )
            group["appointments"].append(
                {
                    "id": self.guids.of(Kind.APPOINTMENT, a["id"]),
                    "TherapistId": self.guids.of(Kind.EMPLOYEE, a["employee_id"]),
                    "serviceduration_in_miutes": a["duration"],
                    "appointment_progress": a["progress"],
                }
            )
        return result

    def _feedback(self, ids: list[int]) -> dict[int, JSON]:
        rows = self._rows(
            "SELECT r.id, a.group_id, r.guest_id, r.center_id, r.rating FROM review r "
            "JOIN appointment a ON a.id = r.appointment_id WHERE r.id = ANY(%s)",
            ids,
        )
        return {
            number: {
                "feedback_id": self.guids.of(Kind.REVIEW, number),
                "appointment_group_id": self.guids.of(Kind.GROUP, group),
                "guest_id": self.guids.of(Kind.GUEST, guest),
                "center_id": self.guids.of(Kind.CENTER, center),
                "rating": rating,
            }
            for number, group, guest, center, rating in rows
        }

    def _invoices(self, ids: list[int]) -> dict[int, JSON]:
        rows = self._rows(
            "SELECT c.id, c.center_id, c.guest_id, c.amount_cents, c.paid_day, c.membership_id, "
            "g.first_name, g.last_name, m.plan_id FROM charge c JOIN guest g ON g.id = c.guest_id "
            "JOIN membership m ON m.id = c.membership_id WHERE c.id = ANY(%s)",
            ids,
        )
        result = {}
        for number, center, guest, amount, paid_day, membership, first, last, plan_id in rows:
            price = amount / 100
            result[number] = {
                "invoice": {
                    "id": self.guids.of(Kind.INVOICE, number),
                    "invoice_number": f"N{number}",
                    "receipt_number": f"R{number}",
                    "appointment_group_id": ZERO,
                    # Now and then it comes before the till has caught up, as seen live.
                    "is_closed": number % 17 != 0,
                    "is_refund": False,
                    "invoice_date": day_text(paid_day),
                    "center_id": self.guids.of(Kind.CENTER, center),
                    "total_price": {
                        "currency_id": 148, "net_price": price, "tax": 0.0,
                        "rounding_adjustment": 0.0, "sum_total": price,
                    },
                    "guest": {
                        "id": self.guids.of(Kind.GUEST, guest),
                        "first_name": first, "last_name": last,
                    },
                    "invoice_items": [
                        {
                            "invoice_item_id": self.guids.of(Kind.INVOICE_ITEM, membership),
                            "id": self.guids.of(Kind.PLAN, plan_id),
                            "name": cat.PLANS[plan_id - 1].name,
                            "type": 3,
                            "price": {"sales": price, "tax": 0.0, "final": price},
                            "quantity": 1,
                        }
                    ],
                    "transactions": [],
                }
            }  # fmt: skip
        return result


RESOURCES = {"Invoice.Closed": "Invoice", "Guest.Created": "Guest", "Guest.Updated": "Guest"}


def queue(connection: Connection, happened: list[Event]) -> int:
    """Write the webhooks of `happened` to the outbox; returns how many."""
    if not happened:
        return 0
    news = News(connection)
    now = datetime.now(UTC)
    lines = []
    for name, ids, minutes in happened:
        numbers = [int(number) for number in ids]
        bodies = news.bodies(name, numbers)
        for number, minute in zip(numbers, minutes.tolist(), strict=True):
            if number in bodies:
                lines.append((name, int(minute), bodies[number]))
    lines.sort(key=lambda line: line[1])
    first = connection.execute(
        "SELECT nextval('outbox_id_seq') FROM generate_series(1, %s)", [len(lines)]
    ).fetchall()
    with connection.cursor().copy("COPY outbox (id, event_type, body, due_at) FROM STDIN") as copy:
        for (number,), (name, minute, data) in zip(first, lines, strict=True):
            copy.write_row((number, name, envelope(number, name, minute, data), now))
    return len(lines)


def envelope(number: int, name: str, minute: int, data: JSON) -> bytes:
    """The bytes on the wire; the same at every try."""
    return orjson.dumps(
        {
            "id": f"66f0{number:012x}",
            "event_id": f"66e0{number:012x}",
            "event_schema": "v1",
            "event_resource": RESOURCES.get(name),
            "event_type": name,
            "event_timestamp": from_minute(minute).strftime("%Y-%m-%dT%H:%M:%S.1234567Z"),
            "data": data,
        }
    )
