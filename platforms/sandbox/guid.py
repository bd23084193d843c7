"""Reversible GUIDs: the store keeps small integers, the wire shows GUIDs.

The low half carries the number through a bijection, the high half is a check value over kind,
number and seed, so a GUID of another kind or business is recognised as foreign and no lookup
column or index is needed.
"""

from __future__ import annotations

import enum

MASK = (1 << 64) - 1
FACTOR = 0x9E3779B97F4A7C15
INVERSE = pow(FACTOR, -1, 1 << 64)
ZERO = "00000000-0000-0000-0000-000000000000"


class Kind(enum.IntEnum):
    """What a GUID names."""

    CENTER = 1
    GUEST = 2
    PLAN = 3
    PLAN_VERSION = 4
    MEMBERSHIP = 5
    INVOICE = 6
    APPOINTMENT = 7
    GROUP = 8
    VISIT_INVOICE = 9
    INVOICE_ITEM = 10
    SERVICE = 11
    CATEGORY = 12
    EMPLOYEE = 13
    ROOM = 14
    REASON = 15
    NOTE = 16
    OPPORTUNITY = 17
    REVIEW = 18
    WAITLIST = 19
    SALE = 20
    TRANSACTION = 21
    RENEWAL = 22
    BLOCKOUT = 23
    EVENT = 24
    CARD = 25


def _mix(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & MASK
    return value ^ (value >> 31)


class Guids:
    """Encoder and decoder for one business (`seed`)."""

    def __init__(self, seed: int) -> None:
        self.salt = _mix(seed + 0x5EED)

    def of(self, kind: int, number: int) -> str:
        """The GUID of entity `number`; number 0 is Zenoti's zero GUID."""
        if not number:
            return ZERO
        low = (number * FACTOR + kind * self.salt) & MASK
        text = f"{_mix(low ^ self.salt ^ kind):016x}{low:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def number(self, kind: Kind, guid: str | None) -> int | None:
        """The number behind a GUID, None if it is not one of this kind and business."""
        text = (guid or "").strip().lower().replace("-", "")
        if len(text) != 32:
            return None
        try:
            high, low = int(text[:16], 16), int(text[16:], 16)
        except ValueError:
            return None
        if high != _mix(low ^ self.salt ^ kind):
            return None
        number = (low - kind * self.salt) * INVERSE & MASK
        return number if number < 1 << 48 else None
