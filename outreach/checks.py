"""What is looked at before a draft may go to a guest. Set-based: the number of queries does not
grow with the number of drafts.

A check that blocks cannot be waved through by anybody; one that only warns puts the draft into
*needs care*, where approving takes the extra key. Every failing message names the remedy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, Func, Q, TextField, Value
from django.db.models.functions import Lower

from audit import fence
from memberships.models import Guest
from memberships.money import in_words
from outreach.gate import caps, hours
from outreach.models import (
    Authorisation,
    Channel,
    Draft,
    LibraryStatus,
    Message,
    OutreachPolicy,
    Suppression,
)
from outreach.results import Check, bad, good
from outreach.texts import treatments
from outreach.texts.normal import plain
from outreach.texts.text_checks import Text, check_text
from platforms.models import OutboxItem

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
class Surroundings:
    """What the checks need to know about the world, read once for many drafts."""

    now: datetime
    policy: OutreachPolicy
    calling: hours.Hours
    authorised: set[int]  # guests who authorised offers others pay for, where asked
    treatments: frozenset[str]  # names in the catalogue, where asked
    stops: dict[tuple[str, str, str], Suppression]  # by channel, address, scope
    week_counts: Counter[int]
    cap_left: dict[tuple[str, str, str], int]
    foreign_names: dict[int, frozenset[str]]  # names of guests among words somebody added

    def stop_against(self, draft: Draft) -> Suppression | None:
        """The stop that stands against this draft's kind of message."""
        kind = Suppression.Scope.MARKETING if draft.play.is_marketing else Suppression.Scope.SERVICE
        scopes = (
            Suppression.Scope.values
            if self.policy.stop_ends_everything(self.now)
            else [Suppression.Scope.ALL.value, kind.value]
        )
        found = (self.stops.get((draft.channel, draft.address, s)) for s in scopes)
        return next((stop for stop in found if stop), None)


@fence.beyond("the guest may have been written to from elsewhere")
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
    stops = {
        (stop.channel, stop.address, stop.scope): stop
        for stop in Suppression.objects.standing().filter(address__in=addresses)
    }
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
        words_by_location.setdefault(draft.location_id, set()).update(text_of(draft).added_names())
    foreign = foreign_names(words_by_location)
    return Surroundings(
        now=now,
        policy=policy,
        calling=hours.Hours.current(policy),
        authorised=authorised(
            {d.guest_id for d in drafts if d.offer is not None and d.offer.paid_by_manufacturer}
        ),
        treatments=(
            treatments.catalogue_names()
            if treatments.asks_for_names(drafts, policy)
            else frozenset()
        ),
        stops=stops,
        week_counts=week_counts,
        cap_left=caps.left(
            line
            for location in locations.values()
            for play_key in {d.play_id for d in drafts if d.location_id == location.pk}
            for line in caps.lines_for(location=location, play_key=play_key, at=now, policy=policy)
        ),
        foreign_names=foreign,
    )


def authorised(guest_ids: Collection[int]) -> set[int]:
    """Which of these guests authorised offers that others pay for. No query for nobody."""
    if not guest_ids:
        return set()
    standing = Authorisation.objects.in_force().filter(guest_id__in=guest_ids)
    return set(standing.values_list("guest_id", flat=True))


# Accents off, as outreach.texts.normal does it, so that the database compares what Python compares.
_ACCENTED = "áàâäãåéèêëíìîïóòôöõúùûüñçý"
_BARE = "aaaaaaeeeeiiiiooooouuuuncy"


def _plain_words(field: str) -> Func:
    """The words of a name column in plain form, as an array."""
    bare = Func(Lower(field), Value(_ACCENTED), Value(_BARE), function="translate")
    return Func(
        bare, Value(r"[\s-]+"), function="regexp_split_to_array",
        output_field=ArrayField(TextField()),
    )  # fmt: skip


def foreign_names(words_by_location: dict[int, set[str]]) -> dict[int, frozenset[str]]:
    """Which of these plain words are names of guests, by location. One query, and none where
    nobody added a word."""
    words = set().union(*words_by_location.values()) if words_by_location else set()
    if not words:
        return {}
    rows = (
        Guest.objects.filter(location_id__in=[pk for pk, some in words_by_location.items() if some])
        .annotate(first=_plain_words("first_name"), last=_plain_words("last_name"))
        .filter(Q(first__overlap=sorted(words)) | Q(last__overlap=sorted(words)))
        .values_list("location_id", "first", "last")
        .distinct()
        .order_by()
    )
    found: dict[int, set[str]] = {}
    for location_id, first, last in rows:
        found.setdefault(location_id, set()).update(first, last)
    return {
        location_id: frozenset(names & words_by_location[location_id])
        for location_id, names in found.items()
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
        _offer(draft, around),
        _cap(draft, around),
        treatments.check(
            draft,
            around.policy,
            around.treatments,
            house=f"{settings.BUSINESS_NAME}\n{draft.location.name}",
        ),
        *check_text(
            text_of(draft, others=around.foreign_names.get(draft.location_id, frozenset()))
        ),
    ]


def group_of(draft: Draft, results: Sequence[Check]) -> Draft.Group:
    """Where the review queue shows the draft."""
    if not all(result.ok for result in results):
        return Draft.Group.NEEDS_CARE
    changed = (draft.subject, draft.body) != (draft.library_subject, draft.library_body)
    if changed or draft.shaped_by_guest_text:
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
    if stop := around.stop_against(draft):
        if stop.source == Suppression.Source.CARRIER:
            return bad(name, f"Nothing more goes to this address: {stop.reason}. Reject the draft.")
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


def _hours(draft: Draft, around: Surroundings) -> Check:
    name = "calling hours"
    place = hours.place_of(
        draft.guest,
        draft.location,
        channel=draft.channel,
        is_marketing=draft.play.is_marketing,
    )
    zone = hours.zone_named(place.zone_name)
    if zone is None:
        return bad(
            name,
            f"The time zone {place.zone_name!r} is unknown. Correct it in the booking platform.",
        )
    leaves_at = around.now + timedelta(minutes=around.policy.outgoing_minutes)
    opens_at = around.calling.opens_at(leaves_at, place)
    if opens_at is None:
        return bad(
            name,
            "No hour of the day suits both the guest's location and the country of the phone "
            "number. Call instead, or reject the draft.",
        )
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


def _offer(draft: Draft, around: Surroundings) -> Check:
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
    if offer.paid_by_manufacturer and draft.guest_id not in around.authorised:
        return bad(
            name,
            "A manufacturer pays for this offer and the guest has not authorised that. Record the "
            "signed form on the guest's page, or reject the draft.",
        )
    named = str(draft.offer_terms.get("wording", ""))
    if named and plain(named) not in plain(draft.body):
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
    currency = draft.location.currency
    left = in_words(max(left_cents, 0), currency)
    if draft.cost_cents > left_cents:
        return bad(
            name,
            f"Costs {in_words(draft.cost_cents, currency)}, and {left} is left of today's limit. "
            "Snooze it or reject it for a cheaper offer.",
        )
    return good(name, f"{left} left before this")


# --- The words ----------------------------------------------------------------------------------


def text_of(draft: Draft, *, others: frozenset[str] = frozenset()) -> Text:
    """The draft's words with everything they may repeat. `others`: plain names of other guests of
    the location."""
    return Text(
        channel=draft.channel,
        subject=draft.subject,
        body=draft.body,
        library_subject=draft.library_subject,
        library_body=draft.library_body,
        offer=str(draft.offer_terms.get("wording", "")),
        first_name=draft.guest.first_name,
        filled_name=str(draft.fields.get("first_name", draft.guest.first_name)),
        guest_name=draft.guest.name,
        location=draft.location.name,
        location_phone=draft.location.phone,
        fields={name: str(value) for name, value in draft.fields.items()},
        others=others,
    )
