"""The tables of numbers: one declaration drives the schema, the bulk copy and the arrays.

Codes: i2/i4/i8 integers, f4 float. `_day` and `_min` are explained in `days`. Tables that hold
text are in `store.TEXT_TABLES`.
"""

from __future__ import annotations

from dataclasses import dataclass

SQL_TYPE = {"i2": "smallint", "i4": "integer", "i8": "bigint", "f4": "real"}


@dataclass(frozen=True)
class Table:
    """Name, columns (name -> code; the first is the key), indexes as column lists."""

    name: str
    columns: dict[str, str]
    indexes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return next(iter(self.columns))

    @property
    def ddl(self) -> str:
        """CREATE TABLE without keys: they are added after the bulk load."""
        body = ", ".join(f"{name} {SQL_TYPE[code]} NOT NULL" for name, code in self.columns.items())
        return f"CREATE TABLE {self.name} ({body})"

    @property
    def index_ddl(self) -> list[str]:
        primary = f"ALTER TABLE {self.name} ADD PRIMARY KEY ({self.key})"
        return [primary, *(f"CREATE INDEX ON {self.name} ({columns})" for columns in self.indexes)]


def _columns(**groups: str) -> dict[str, str]:
    """Column -> code, given as code="name name ..."; order: as written, the key first."""
    return {name: code for code, names in groups.items() for name in names.split()}


# One guest's hidden side: habits that stay and a state that moves with the days.
NATURE = Table(
    "nature",
    _columns(
        i4="id center_id employee_id joined_day wants_day last_visit_day moved_day hurt_day "
        "hurt_until_day lost_therapist_day contacted_day membership_id card_expiry visits",
        i2="response category weekday slot gender language fading bookings cancels no_shows "
        "messages ever_member story",
        f4="gap_days interest mood price_care distance_km cancel_lean no_show_lean member_lean "
        "inertia funds_risk spark quirk chatty",
    ),
    ("center_id",),
)

MEMBERSHIP = Table(
    "membership",
    _columns(
        i4="id guest_id center_id plan_id price_cents sold_day start_day end_day freeze_day "
        "freeze_until_day cancel_asked_day cancel_day terminate_day suspended_day closed_day "
        "next_charge_day retry_day price_rise_day charge_id credit_cents credit_used_cents "
        "benefit_total benefit_used benefit_expired last_usage_day updated_min created_min",
        i2="status recurrence_status auto_renewal freeze_type reason attempt decline cause",
    ),
    ("center_id, updated_min", "center_id, id", "guest_id"),
)

# One invoice of a membership: its sale or one period.
CHARGE = Table(
    "charge",
    _columns(
        i4="id membership_id guest_id center_id due_day paid_day event_day amount_cents "
        "paid_cents updated_min",
        i2="attempts decline status kind method",
    ),
    ("center_id, event_day, id", "membership_id"),
)

APPOINTMENT = Table(
    "appointment",
    _columns(
        i4="id group_id guest_id center_id employee_id service_id start_day start_min "
        "created_min price_cents paid_cents updated_min fate_day fate_min confirm_day",
        i2="slot duration status source covered first_visit rebooked reason fate progress",
        f4="p_cancel p_no_show",
    ),
    ("center_id, start_day", "guest_id, start_min", "group_id", "start_day"),
)

REVIEW = Table(
    "review",
    _columns(i4="id appointment_id guest_id center_id created_min", i2="rating comment"),
    ("center_id, created_min", "appointment_id"),
)

WAITLIST = Table(
    "waitlist",
    _columns(
        i4="id guest_id center_id service_id employee_id from_day to_day created_min updated_min",
        i2="slot_from slot_to status comment",
    ),
    ("center_id, id",),
)

EMPLOYEE = Table(
    "employee",
    _columns(
        i4="id center_id started_day left_day first_name last_name",
        i2="gender days lunch_slot job",
        f4="skill",
    ),
    ("center_id",),
)

NUMBERS = (NATURE, MEMBERSHIP, CHARGE, APPOINTMENT, REVIEW, WAITLIST, EMPLOYEE)
