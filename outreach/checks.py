"""What is looked at before a draft may go to a guest. Set-based: the number of queries does not
grow with the number of drafts.

A check that blocks cannot be waved through by anybody; one that only warns puts the draft into
*needs care*, where approving takes the extra key. Every failing message names the remedy.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count

from memberships.models import Guest, Location
from outreach import caps, hours, wording
from outreach.models import (
    Channel,
    Draft,
    LibraryStatus,
    Message,
    OutreachPolicy,
    Suppression,
)
from outreach.texts import sms_size
from platforms.models import OutboxItem

MAX_SMS_PARTS = 3
MAX_EMAIL_CHARACTERS = 5_000
WEEK = timedelta(days=7)

# States of an outbox item in which the guest may have got, or may yet get, the message.
COUNTING = [
    OutboxItem.State.READY,
    OutboxItem.State.SENDING,
    OutboxItem.State.SENT,
    OutboxItem.State.UNKNOWN,
    OutboxItem.State.CHECKING,
    OutboxItem.State.UNCERTAIN,
]


@dataclass(frozen=True)
class Check:
    """The result of one check, as stored with the draft and shown on its card."""

    check: str
    ok: bool
    blocks: bool
    message: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def good(check: str, message: str) -> Check:
    return Check(check, ok=True, blocks=False, message=message)


def bad(check: str, message: str, *, blocks: bool = True) -> Check:
    return Check(check, ok=False, blocks=blocks, message=message)


@dataclass(frozen=True)
class Surroundings:
    """What the checks need to know about the world, read once for many drafts."""

    now: datetime
    policy: OutreachPolicy
    suppressed: set[tuple[str, str]]
    week_counts: Counter[int]
    cap_left: dict[tuple[str, str, str], int]
    foreign_names: dict[int, set[str]]  # first names of other guests met in the texts, by location


def look_around(
    drafts: Sequence[Draft], *, now: datetime, policy: OutreachPolicy | None = None
) -> Surroundings:
    """Read everything the checks of these drafts need, in a constant number of queries. The
    drafts bring their guest (with contact), location, play, template and offer with them, read
    just now."""
    policy = policy or OutreachPolicy.current()
    guest_ids = {draft.guest_id for draft in drafts}
    addresses = {draft.address for draft in drafts}
    locations = {draft.location_id: draft.location for draft in drafts}
    suppressed = set(
        Suppression.objects.filter(lifted_at__isnull=True, address__in=addresses).values_list(
            "channel", "address"
        )
    )
    recent = Message.objects.filter(
        guest_id__in=guest_ids,
        purpose=Message.Purpose.OUTREACH,
        outbox__state__in=COUNTING,
        approved_at__gt=now - WEEK,
    )
    week_counts: Counter[int] = Counter(
        dict(recent.values_list("guest_id").annotate(count=Count("pk")).order_by())
    )
    words_by_location: dict[int, set[str]] = {}
    for draft in drafts:
        words_by_location.setdefault(draft.location_id, set()).update(_added_names(draft))
    foreign = _foreign_names(words_by_location)
    return Surroundings(
        now=now,
        policy=policy,
        suppressed=suppressed,
        week_counts=week_counts,
        cap_left=caps.left(
            line
            for location in locations.values()
            for play_key in {d.play_id for d in drafts if d.location_id == location.pk}
            for line in caps.lines_for(location=location, play_key=play_key, at=now, policy=policy)
        ),
        foreign_names=foreign,
    )


def _foreign_names(words_by_location: dict[int, set[str]]) -> dict[int, set[str]]:
    words = set().union(*words_by_location.values()) if words_by_location else set()
    if not words:
        return {}
    rows = (
        Guest.objects.filter(location_id__in=words_by_location, first_name__in=words)
        .values_list("location_id", "first_name")
        .distinct()
        .order_by()
    )
    found: dict[int, set[str]] = {}
    for location_id, name in rows:
        found.setdefault(location_id, set()).add(wording.plain(name))
    return found


def _added_names(draft: Draft) -> set[str]:
    """Capitalised words of the text that neither the library text nor this guest accounts for."""
    library = {wording.plain(word) for word in wording.NAME_TOKEN.findall(draft.template.body)}
    filled = " ".join(str(value) for name, value in draft.fields.items() if name != "first_name")
    own = wording.plain(
        f"{draft.guest.first_name} {draft.guest.last_name} {draft.location.name} "
        f"{settings.BUSINESS_NAME} {draft.offer_terms.get('wording', '')} {filled}"
    )
    known = library | set(re.findall(r"[\w'-]+", own))
    return {
        word
        for word in wording.NAME_TOKEN.findall(f"{draft.subject} {draft.body}")
        if word[0].isupper() and len(word) > 2 and wording.plain(word) not in known
    }


def check_drafts(drafts: Sequence[Draft], *, now: datetime) -> list[list[Check]]:
    """All checks for each draft, in the order of the drafts."""
    if not drafts:
        return []
    around = look_around(drafts, now=now)
    return [check_draft(draft, around) for draft in drafts]


def check_draft(draft: Draft, around: Surroundings) -> list[Check]:
    """All checks of one draft; pure once the surroundings are read."""
    return [
        _consent(draft, around),
        _hours(draft, around),
        _last_contact(draft, around),
        _offer(draft),
        _cap(draft, around),
        _fields(draft),
        _name(draft, around),
        _numbers(draft),
        _benefit(draft),
        _clinical(draft),
        _links(draft),
        _stop_line(draft),
        _length(draft),
    ]


def group_of(draft: Draft, results: Sequence[Check]) -> Draft.Group:
    """Where the review queue shows the draft."""
    if not all(result.ok for result in results):
        return Draft.Group.NEEDS_CARE
    if (draft.subject, draft.body) != (draft.library_subject, draft.library_body):
        return Draft.Group.CHANGED
    return Draft.Group.LIBRARY


def apply(draft: Draft, results: Sequence[Check]) -> None:
    """Store results and group on the draft object (not saved)."""
    draft.checks = [result.as_dict() for result in results]
    draft.group = group_of(draft, results)


# --- The guest ----------------------------------------------------------------------------------


def has_consent(guest: Guest, channel: str, *, is_marketing: bool) -> bool:
    """What the booking platform says the guest agreed to, per channel."""
    if channel == Channel.SMS:
        return guest.sms_marketing if is_marketing else guest.sms_transactional
    return guest.email_marketing


def address_of(guest: Guest, channel: str) -> str:
    """Where a channel reaches the guest today; empty when it does not."""
    return guest.phone if channel == Channel.SMS else guest.email


def _consent(draft: Draft, around: Surroundings) -> Check:
    name = "consent"
    guest = draft.guest
    channel = draft.get_channel_display()
    if guest.vanished_at is not None or guest.merged_into_id is not None:
        return bad(name, "This guest is no longer in the booking platform. Reject the draft.")
    if (draft.channel, draft.address) in around.suppressed:
        return bad(name, f"Said stop to {channel}. Reject the draft.")
    if not has_consent(guest, draft.channel, is_marketing=draft.play.is_marketing):
        return bad(
            name,
            f"No consent for {channel} in the booking platform. Reject the draft, "
            "or ask at the desk first.",
        )
    if address_of(guest, draft.channel) != draft.address:
        return bad(name, "The contact data changed since this was drafted. Reject the draft.")
    return good(name, f"Agreed to {channel}")


def zone_name_of(guest: Guest, location: Location) -> str:
    """The guest's own zone where the platform knows it, else that of the location."""
    return guest.time_zone or location.time_zone


def _hours(draft: Draft, around: Surroundings) -> Check:
    name = "calling hours"
    zone_name = zone_name_of(draft.guest, draft.location)
    leaves_at = around.now + timedelta(minutes=around.policy.outgoing_minutes)
    opens_at = hours.opens_at(leaves_at, zone_name=zone_name, policy=around.policy)
    if opens_at is None:
        return bad(
            name, f"The time zone {zone_name!r} is unknown. Correct it in the booking platform."
        )
    zone = hours.zone_named(zone_name)
    if opens_at == leaves_at:
        return good(name, "May leave now")
    return good(name, f"Waits for the morning: {opens_at.astimezone(zone):%a %-d %b, %H:%M}")


def _last_contact(draft: Draft, around: Surroundings) -> Check:
    name = "last contact"
    count = around.week_counts[draft.guest_id]
    if count >= around.policy.weekly_cap:
        return bad(
            name,
            f"{count} messages in the last 7 days, the limit is {around.policy.weekly_cap}. "
            "Snooze it; approved now it would wait.",
            blocks=False,
        )
    contact = getattr(draft.guest, "contact", None)
    if contact is None:
        return good(name, "Not written to before")
    days = (around.now - contact.last_at).days
    when = "today" if days < 1 else "yesterday" if days == 1 else f"{days} days ago"
    return good(name, f"Last message {when}")


# --- The offer ----------------------------------------------------------------------------------


def _offer(draft: Draft) -> Check:
    name = "offer"
    if draft.offer_id is None:
        if draft.cost_cents:
            return bad(name, "A cost without an offer. Reject the draft.")
        return good(name, "Words only")
    offer = draft.offer
    if offer is None or offer.status != LibraryStatus.ACTIVE:
        return bad(name, "The offer is no longer in the library. Reject the draft.")
    stored = {key: draft.offer_terms.get(key) for key in offer.terms()}
    if stored != offer.terms() or draft.cost_cents != offer.cost_cents:
        return bad(name, "The offer changed since this was drafted. Reject the draft.")
    named = str(draft.offer_terms.get("wording", ""))
    if named and wording.plain(named) not in wording.plain(draft.body):
        return bad(
            name,
            f"The text no longer names the offer as the library does: “{named}”. Put it back.",
        )
    return good(name, f"From the library: {offer.name}")


def _cap(draft: Draft, around: Surroundings) -> Check:
    name = "cap"
    if draft.cost_cents == 0:
        return good(name, "Costs nothing")
    lines = caps.lines_for(
        location=draft.location, play_key=draft.play_id, at=around.now, policy=around.policy
    )
    left_cents = min(around.cap_left.get(line.address, line.limit_cents) for line in lines)
    if draft.cost_cents > left_cents:
        return bad(
            name,
            f"Costs {draft.cost_cents / 100:.2f}, and {max(left_cents, 0) / 100:.2f} is left of "
            "today's limit. Snooze it or reject it for a cheaper offer.",
        )
    return good(name, f"{left_cents / 100:.2f} left before this")


# --- The words ----------------------------------------------------------------------------------


def _whole(draft: Draft) -> str:
    return f"{draft.subject}\n{draft.body}" if draft.subject else draft.body


def _accounted_for(draft: Draft) -> str:
    """Everything a text may repeat: the approved template, the offer and the filled fields."""
    return wording.plain(
        " \n ".join(
            [
                draft.template.subject,
                draft.template.body,
                str(draft.offer_terms.get("wording", "")),
                *(str(value) for value in draft.fields.values()),
            ]
        )
    )


def _fields(draft: Draft) -> Check:
    name = "missing field"
    if not draft.body.strip():
        return bad(name, "The text is empty. Write it or reject the draft.")
    missing = sorted(set(wording.FIELD.findall(_whole(draft))))
    if missing:
        return bad(name, f"Not filled: {', '.join(missing)}. Edit the text or reject the draft.")
    return good(name, "All filled")


def _name(draft: Draft, around: Surroundings) -> Check:
    name = "name"
    own = wording.plain(draft.guest.first_name)
    filled = wording.plain(str(draft.fields.get("first_name", own)))
    greeted = wording.GREETING.match(draft.body)
    addressed = wording.plain(greeted.group(1)) if greeted else ""
    if filled != own or (addressed and addressed != own.split(" ")[0] and addressed != own):
        wrong = greeted.group(1) if greeted else draft.fields.get("first_name")
        return bad(
            name,
            f"The text speaks to {wrong}, the guest is {draft.guest.name}. Correct the name.",
        )
    others = {
        word
        for word in _added_names(draft)
        if wording.plain(word) in around.foreign_names.get(draft.location_id, set())
    }
    if others:
        return bad(
            name,
            f"{', '.join(sorted(others))} may be another guest. Take the name out, or approve "
            "with care.",
            blocks=False,
        )
    return good(name, f"Speaks to {draft.guest.first_name}")


def _numbers(draft: Draft) -> Check:
    name = "numbers"
    text = wording.plain(_whole(draft))
    allowed = _accounted_for(draft)
    for label, pattern in (("amount", wording.MONEY), ("percentage", wording.PERCENTS)):
        known = {_first(found) for found in pattern.finditer(allowed)}
        strange = [f.group(0) for f in pattern.finditer(text) if _first(f) not in known]
        if strange:
            return bad(
                name,
                f"The {label} {strange[0]} is not part of the offer. Take it out.",
            )
    for found in wording.NUMBER_WORDS.finditer(text):
        if found.group(0) not in allowed:
            return bad(name, f"“{found.group(0)}” is not part of the offer. Take it out.")
    known_numbers = set(wording.NUMBERS.findall(allowed))
    strange = [n for n in wording.NUMBERS.findall(text) if n not in known_numbers]
    if strange:
        return bad(
            name,
            f"The number {strange[0]} comes from neither the library nor this guest. Take it out.",
        )
    return good(name, "All known")


def _first(found: re.Match[str]) -> str:
    return next(group for group in found.groups() if group is not None)


def _benefit(draft: Draft) -> Check:
    name = "benefit"
    promised = Counter(wording.BENEFIT_WORDS.findall(_accounted_for(draft)))
    for word in wording.BENEFIT_WORDS.findall(wording.plain(_whole(draft))):
        if word not in promised:
            return bad(
                name,
                f"“{word}” promises something that is not in the offer. Take it out.",
            )
    return good(name, "Nothing beyond the offer")


def _clinical(draft: Draft) -> Check:
    name = "clinical claim"
    found = wording.CLINICAL_WORDS.search(wording.plain(_whole(draft)))
    if found:
        return bad(name, f"“{found.group(0)}” makes a health claim. Take it out.")
    return good(name, "None")


def _links(draft: Draft) -> Check:
    name = "links"
    text = wording.plain(_whole(draft))
    allowed = _accounted_for(draft)
    for found in wording.LINKS.finditer(text):
        if found.group(0) not in allowed:
            return bad(name, f"{found.group(0)} is not a link of the library. Take it out.")
    return good(name, "None unknown")


def _stop_line(draft: Draft) -> Check:
    name = "opt-out line"
    if wording.TRAPS.search(wording.plain(draft.body)):
        return bad(name, "The text asks for a word that means stop. Ask for something else.")
    if not wording.STOP_LINE.search(draft.body):
        return bad(name, "The way out is missing. Add: Reply STOP to opt out.")
    return good(name, "There")


def _length(draft: Draft) -> Check:
    name = "length"
    if draft.channel == Channel.EMAIL:
        if len(draft.body) > MAX_EMAIL_CHARACTERS:
            return bad(name, f"Longer than {MAX_EMAIL_CHARACTERS} characters. Shorten it.")
        return good(name, f"{len(draft.body)} characters")
    size = sms_size(draft.body)
    if size.parts > MAX_SMS_PARTS:
        because = f" The characters {size.culprits} force Unicode." if size.is_unicode else ""
        return bad(name, f"{size.parts} SMS parts, at most {MAX_SMS_PARTS}. Shorten it.{because}")
    return good(
        name, f"{size.characters} characters, {size.parts} SMS part" + "s" * (size.parts > 1)
    )
