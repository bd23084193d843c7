"""How guests react to a message: read it, answer, book, say stop, or cancel because of it.

The reaction follows from the guest's hidden response type; what they write only hints at it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction

from platforms.sandbox import catalogue as cat
from platforms.sandbox.business import Facts, execute, facts, from_json, query
from platforms.sandbox.carrier import messages, phrases
from platforms.sandbox.days import weekday_of, year_month
from platforms.sandbox.environment import environment
from platforms.sandbox.life.people import ELENA
from platforms.sandbox.life.visits import fall_through
from platforms.sandbox.tables import APPOINTMENT
from platforms.sandbox.zenoti.writes import end_membership, hold_still, insert, settle_group, tell

# Chances per response type: yes, question, thanks, no, annoyed, stop, cancel the membership.
KINDS = ("yes", "question", "thanks", "no", "annoyed", "stop", "cancel_membership")
REACTIONS = {
    cat.PERSUADABLE: (0.32, 0.15, 0.10, 0.04, 0.01, 0.01, 0.0),
    cat.SURE_THING: (0.14, 0.08, 0.24, 0.03, 0.01, 0.01, 0.0),
    cat.LOST_CAUSE: (0.01, 0.03, 0.02, 0.14, 0.04, 0.06, 0.02),
    cat.DO_NOT_DISTURB: (0.01, 0.01, 0.01, 0.05, 0.12, 0.14, 0.12),
}
BOOKS_AFTER_YES, BOOKS_SILENTLY = 0.55, 0.08
AWAY = 0.05  # of those who would answer a mail, their mailbox does it for them
EACH_FURTHER_MESSAGE = 0.04  # added to the chance of a stop for each earlier one this month
CONFIRM_WORDS = ("confirm", "appointment", "see you", "cita", "booked for", "reminder")
CARD_WORDS = ("card", "payment", "tarjeta", "pago")
NATURE = (
    "id, center_id, employee_id, response, weekday, slot, language, messages, chatty, mood, "
    "membership_id, hurt_until_day, moved_day, category, distance_km, cancel_lean, no_show_lean, "
    "visits, bookings, card_expiry, story, contacted_day, fading"
)


@dataclass(frozen=True)
class Guest:
    """The part of a guest's nature that decides on a reaction."""

    id: int
    center_id: int
    employee_id: int
    response: int
    weekday: int
    slot: int
    language: int
    messages: int
    chatty: float
    mood: float
    membership_id: int
    hurt_until_day: int
    moved_day: int
    category: int
    distance_km: float
    cancel_lean: float
    no_show_lean: float
    visits: int
    bookings: int
    card_expiry: int
    story: int
    contacted_day: int
    fading: int


def answer_delay(rng: np.random.Generator) -> float:
    """Seconds until a guest reacts: usually `answer_seconds`, from a quarter to three times it."""
    usual = environment().answer_seconds
    return float(min(max(math.exp(rng.normal(math.log(usual), 0.6)), usual / 4), usual * 3))


def plan_reaction(message_id: int) -> None:
    """A delivered message will be looked at after a while."""
    rng = np.random.default_rng([facts().seed, 555, message_id])
    messages.errand("react", message_id, answer_delay(rng))


@transaction.atomic
def react(message_id: int) -> None:
    """The guest looks at the message now. Deterministic per (seed, message)."""
    rows = query(
        "SELECT m.guest_id, m.channel, m.body, g.marketing_sms FROM message m "
        "JOIN guest g ON g.id = m.guest_id WHERE m.id = %s",
        [message_id],
    )
    if not rows:
        return
    guest_id, channel, body, wanted = rows[0]
    hold_still()
    known = facts()
    rng = np.random.default_rng([known.seed, 556, message_id])
    guest = Guest(*query(f"SELECT {NATURE} FROM nature WHERE id = %s", [guest_id])[0])  # noqa: S608
    execute(
        "UPDATE nature SET messages = messages + 1, contacted_day = %s, "
        "fading = CASE WHEN response = %s THEN 0 ELSE fading END, "
        "mood = least(greatest(mood + CASE response WHEN %s THEN 0.05 WHEN %s THEN -0.06 "
        "ELSE 0 END, 0.02), 1) WHERE id = %s",
        [known.today, cat.PERSUADABLE, cat.PERSUADABLE, cat.DO_NOT_DISTURB, guest_id],
    )
    text = body.lower()
    upcoming = _next_booking(known, guest_id) if _speaks_of(text, CONFIRM_WORDS) else None
    if upcoming:
        _answer_about_booking(known, guest, upcoming, channel, message_id, rng)
        return
    if _speaks_of(text, CARD_WORDS) and _card_is_trouble(known, guest) and rng.random() < 0.5:
        _hand_in_card(known, guest)
        _say(guest, "paid", channel, message_id, rng)
        return
    kind = _choose(guest, wanted, rng)
    if guest.moved_day and kind in {"yes", "question", "thanks"}:
        kind = "moved"
    elif guest.hurt_until_day > known.today and kind in {"yes", "question", "thanks"}:
        kind = "hurt"
    if kind:
        _say(guest, kind, channel, message_id, rng)
    books = (kind == "yes" and rng.random() < BOOKS_AFTER_YES) or (
        not kind
        and guest.response in (cat.PERSUADABLE, cat.SURE_THING)
        and rng.random() < BOOKS_SILENTLY
    )
    if books and not guest.bookings:
        book(known, guest, rng)
    if kind == "cancel_membership" and guest.membership_id:
        end_membership(known, guest.membership_id, cause=cat.NON_USE)


def _speaks_of(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def _choose(guest: Guest, wanted: bool, rng: np.random.Generator) -> str:
    """What the guest does, "" for nothing that can be seen."""
    chances = np.array(REACTIONS[guest.response]) * (0.45 + 0.7 * guest.chatty)
    chances[KINDS.index("stop")] += EACH_FURTHER_MESSAGE * max(guest.messages - 1, 0)
    if not wanted:
        # They had said no before: half of them say so again, louder.
        chances[KINDS.index("stop")] += 0.5
    if guest.story == ELENA:
        chances[:] = 0
        chances[KINDS.index("stop")] = 1
    draw = rng.random() * max(1.0, float(chances.sum()))
    for kind, edge in zip(KINDS, np.cumsum(chances), strict=True):
        if draw < edge:
            return kind
    return ""


def _say(guest: Guest, kind: str, channel: str, message_id: int, rng: np.random.Generator) -> None:
    """The guest writes back, by the way the message came."""
    language = "es" if guest.language else "en"
    pool = phrases.PHRASES[language][kind]
    words = pool[int(rng.integers(len(pool)))]
    if channel == "sms":
        write_back(message_id, words)
    elif environment().mail_hook_url:
        is_away = rng.random() < AWAY
        mail_back(message_id, phrases.AWAY[language] if is_away else words, automatic=is_away)


def mail_back(message_id: int, words: str, *, automatic: bool = False) -> None:
    """A mail in answer to one of the business, with that one quoted below, as mail programs do."""
    sender, recipient, guest_id, subject, body, headers = query(
        "SELECT recipient, sender, guest_id, subject, body, headers FROM message WHERE id = %s",
        [message_id],
    )[0]
    known = from_json(headers) or {}
    quoted = "\n".join(f"> {line}" for line in body.split("\n"))
    said = f"{words}\n\nOn {messages.now():%a, %d %b %Y}, {recipient} wrote:\n{quoted}\n"
    about = f"Automatic reply: {subject}" if automatic else f"Re: {subject.removeprefix('Re: ')}"
    marks = {"Auto-Submitted": "auto-replied"} if automatic else {}
    number, _sid = messages.add(
        channel="email", direction="in", sender=sender,
        recipient=str(known.get("Reply-To") or recipient), body=words if automatic else said,
        status="received", guest_id=guest_id, subject=about,
        headers={"In-Reply-To": str(known.get("Message-ID", "")), **marks},
    )  # fmt: skip
    messages.errand("mail", number, 0)


def write_back(message_id: int, body: str) -> str:
    """An inbound text in reply to a message, to be posted to the product. Returns its sid."""
    sender, recipient, guest_id = query(
        "SELECT recipient, sender, guest_id FROM message WHERE id = %s", [message_id]
    )[0]
    number, sid = messages.add(
        channel="sms", direction="in", sender=sender, recipient=recipient, body=body,
        status="received", guest_id=guest_id,
    )  # fmt: skip
    if phrases.is_stop_word(body):
        execute(
            "INSERT INTO carrier_optout VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [sender, messages.now()],
        )
    elif phrases.is_start_word(body):
        execute("DELETE FROM carrier_optout WHERE phone = %s", [sender])
    messages.errand("inbound", number, 0)
    return sid


def _next_booking(known: Facts, guest_id: int) -> tuple[Any, ...] | None:
    rows = query(
        "SELECT group_id, fate FROM appointment "
        "WHERE guest_id = %s AND start_day >= %s AND start_day < %s AND status IN (0, 4) "
        "ORDER BY start_min LIMIT 1",
        [guest_id, known.today, known.today + 15],
    )
    return rows[0] if rows else None


def _answer_about_booking(
    known: Facts,
    guest: Guest,
    booking: tuple[Any, ...],
    channel: str,
    message_id: int,
    rng: np.random.Generator,
) -> None:
    """Some confirm; some of those who would not have come say so in time, or come after all."""
    group_id, fate = booking
    draw = rng.random()
    if fate == cat.CLOSED:
        if draw < 0.55:
            _set_status(known, group_id, cat.CONFIRMED)
            _say(guest, "confirm", channel, message_id, rng)
        return
    if draw < (0.45 if guest.response == cat.PERSUADABLE else 0.15):
        execute(
            "UPDATE appointment SET fate = %s, fate_day = start_day, fate_min = start_min "
            "WHERE group_id = %s",
            [cat.CLOSED, group_id],
        )
        _set_status(known, group_id, cat.CONFIRMED)
        _say(guest, "confirm", channel, message_id, rng)
    elif draw < 0.75:
        # Told early, the hour can be given to someone else.
        execute("UPDATE appointment SET reason = 16 WHERE group_id = %s", [group_id])
        settle_group(known, group_id, cat.CANCELLED)
        _say(guest, "cannot_come", channel, message_id, rng)


def _set_status(known: Facts, group_id: int, status: int) -> None:
    execute(
        "UPDATE appointment SET status = %s, updated_min = %s WHERE group_id = %s",
        [status, known.now_minute, group_id],
    )
    tell("AppointmentGroup.Status", [group_id])


def _card_is_trouble(known: Facts, guest: Guest) -> bool:
    return guest.membership_id > 0 and guest.card_expiry <= year_month(known.today + 40)


def _hand_in_card(known: Facts, guest: Guest) -> None:
    execute(
        "UPDATE nature SET card_expiry = %s WHERE id = %s",
        [year_month(known.today) + 300, guest.id],
    )


def book(known: Facts, guest: Guest, rng: np.random.Generator) -> int | None:
    """The guest books a visit in the next ten days; returns the booking's number."""
    center = known.centers[guest.center_id]
    offered = [
        number
        for number, service in enumerate(cat.SERVICES, 1)
        if service.category == guest.category and service.weight
    ]
    service_id = offered[int(rng.integers(len(offered)))]
    service = cat.SERVICES[service_id - 1]
    found = _free_time(known, guest, (service.minutes + 29) // cat.SLOT_MINUTES, rng)
    if found is None:
        return None
    employee_id, day, slot = found
    start_min = day * 1440 + 540 + slot * cat.SLOT_MINUTES - known.offset(guest.center_id, day)
    p_cancel, p_no_show = fall_through(
        lead_days=np.array([day - known.today]), weekday=weekday_of(np.array([day])),
        slot=np.array([slot]), medspa=np.array([center.kind == "medspa"]),
        first_visit=np.array([guest.visits == 0]), member=np.array([guest.membership_id > 0]),
        familiar=np.array([employee_id == guest.employee_id]), online=np.array([True]),
        distance_km=np.array([guest.distance_km]), cancel_lean=np.array([guest.cancel_lean]),
        no_show_lean=np.array([guest.no_show_lean]), mood=np.array([guest.mood]),
        weather=np.zeros(1), winter=False,
    )  # fmt: skip
    draw = rng.random()
    fate, fate_min = cat.CLOSED, start_min
    if draw < p_cancel[0]:
        fate = cat.CANCELLED
        fate_min = max(start_min - int(rng.integers(60, 2880)), known.now_minute + 60)
    elif draw < p_cancel[0] + p_no_show[0]:
        fate = cat.NO_SHOW
    fate_day = min(max(fate_min // 1440, known.today), day) if fate == cat.CANCELLED else day
    number = insert(
        APPOINTMENT, guest_id=guest.id, center_id=guest.center_id, employee_id=employee_id,
        service_id=service_id, start_day=day, start_min=start_min, created_min=known.now_minute,
        price_cents=service.price_cents, updated_min=known.now_minute, fate_day=fate_day,
        fate_min=fate_min, slot=slot, duration=service.minutes, status=cat.NEW,
        source=cat.WEBSTORE, first_visit=int(guest.visits == 0), reason=17, fate=fate,
        p_cancel=float(p_cancel[0]), p_no_show=float(p_no_show[0]),
    )  # fmt: skip
    execute("UPDATE appointment SET group_id = id WHERE id = %s", [number])
    execute("UPDATE nature SET bookings = bookings + 1 WHERE id = %s", [guest.id])
    tell("AppointmentGroup.Created", [number])
    return number


def _free_time(
    known: Facts, guest: Guest, slots: int, rng: np.random.Generator
) -> tuple[int, int, int] | None:
    """(employee, day, slot) nearest to the guest's habits that is free."""
    staff = [
        employee
        for employee in known.employees.values()
        if employee.center_id == guest.center_id and not employee.left_day
    ]
    staff.sort(key=lambda employee: employee.id != guest.employee_id)
    first, last = known.today + 1, known.today + 11
    busy: set[tuple[int, int, int]] = set()
    for employee_id, day, slot, duration in query(
        "SELECT employee_id, start_day, slot, duration FROM appointment WHERE center_id = %s "
        "AND start_day >= %s AND start_day < %s AND status >= 0",
        [guest.center_id, first, last],
    ):
        busy |= {(employee_id, day, slot + step) for step in range((duration + 29) // 30)}
    days = sorted(range(first, last), key=lambda day: ((day + 5) % 7 != guest.weekday, day))
    hours = sorted(range(cat.SLOTS - slots + 1), key=lambda slot: abs(slot - guest.slot))
    for employee in staff:
        for day in days:
            if not employee.days >> (day + 5) % 7 & 1:
                continue
            for slot in hours:
                wanted = range(slot, slot + slots)
                if employee.lunch_slot in wanted:
                    continue
                if all((employee.id, day, step) not in busy for step in wanted):
                    return employee.id, day, slot
    return None
