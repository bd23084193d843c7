"""Changes to the library and to the rules: proposed by one person, approved by another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify

from audit import services as audit
from audit.services import Entry
from memberships.models import Location
from outreach import events
from outreach.errors import Conflict, NotAllowed
from outreach.gate import caps
from outreach.models import LibraryStatus, Offer, OutreachPolicy, Play, Template
from outreach.services import refusals
from outreach.transitions import library_may_become

if TYPE_CHECKING:
    from staff.models import User


def cents(amount: Decimal | None) -> int | None:
    """Money as typed, in whole cents."""
    return None if amount is None else int((amount * 100).to_integral_value())


def _check_may(user: User, permission: str) -> None:
    if not user.has_perm(permission):
        raise NotAllowed("You may not change the library. Ask a regional manager.")


def _check_other_eyes(user: User, proposed_by_id: int | None) -> None:
    if proposed_by_id == user.pk and OutreachPolicy.current().four_eyes_on_edits:
        raise NotAllowed("You proposed this, so someone else must approve it.")


# --- Offers -------------------------------------------------------------------------------------


def _offer_fields(data: dict[str, Any]) -> dict[str, Any]:
    kind = data["kind"]
    has_amount = kind in (Offer.Kind.AMOUNT, Offer.Kind.CREDIT)
    return {
        "name": data["name"],
        "kind": kind,
        "wording": data["wording"],
        "translations": {"es": data["wording_es"]} if data.get("wording_es") else {},
        "percent": data.get("percent") if kind == Offer.Kind.PERCENT else None,
        "amount_cents": cents(data.get("amount")) if has_amount else None,
        "cost_cents": cents(data["cost"]) or 0,
        "paid_by_manufacturer": bool(data.get("paid_by_manufacturer")),
        "causes": list(data.get("causes") or []),
        "min_tenure_days": data["min_tenure_days"],
        "again_after_days": data["again_after_days"],
        "valid_days": data["valid_days"],
        "rank": data["rank"],
    }


@transaction.atomic
def propose_offer(*, data: dict[str, Any], by: User, now: datetime) -> Offer:
    """Add an offer that waits for approval. `data` is that of OfferForm. Raises Conflict,
    NotAllowed."""
    _check_may(by, "outreach.propose_library")
    if Offer.objects.filter(name=data["name"]).exists():
        raise Conflict("There is an offer of this name. Give it another one.")
    offer = Offer.objects.create(proposed_by=by, **_offer_fields(data))
    audit.record(
        events.OFFER_PROPOSED, at=now, by=by, target=offer, detail={"terms": offer.terms()}
    )
    return offer


@transaction.atomic
def set_offer_status(
    *, offer_id: int, status: str, by: User, now: datetime, note: str = ""
) -> Offer:
    """Approve, retire or bring back an offer. Retiring a proposed one refuses it: its author is
    told, with the note. Twice is once. Raises Conflict, NotAllowed."""
    _check_may(by, "outreach.approve_library")
    offer = Offer.objects.select_for_update().get(pk=offer_id)
    wanted = LibraryStatus(status)
    if offer.status == wanted:
        return offer
    if not library_may_become(offer.status, wanted):
        raise Conflict(f"This offer is {offer.get_status_display()}.")
    if wanted == LibraryStatus.ACTIVE:
        _check_other_eyes(by, offer.proposed_by_id)
        offer.approved_by = by
    elif offer.status == LibraryStatus.PROPOSED:
        refusals.tell_proposer(offer, note=note, by=by, now=now)
    offer.status = wanted
    offer.save(update_fields=["status", "approved_by"])
    event = events.OFFER_APPROVED if wanted == LibraryStatus.ACTIVE else events.OFFER_RETIRED
    audit.record(event, at=now, by=by, target=offer, detail={"terms": offer.terms()})
    return offer


# --- Texts --------------------------------------------------------------------------------------


@transaction.atomic
def propose_template(*, data: dict[str, Any], by: User, now: datetime, slug: str = "") -> Template:
    """Add a text, or with `slug` the next version of one, that waits for approval. `data` is that
    of TemplateForm. The version in use stays in use. Raises NotAllowed."""
    _check_may(by, "outreach.propose_library")
    if not slug:
        words = [data["channel"], data["name"], data["cause"] or data["topic"], data["language"]]
        slug = slugify(" ".join(word for word in words if word))[:50] or "text"
        taken = set(Template.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
        free = (f"{slug}-{n}" for n in range(2, 1000) if f"{slug}-{n}" not in taken)
        slug = slug if slug not in taken else next(free)
    newest = Template.objects.filter(slug=slug).aggregate(newest=Max("version"))["newest"] or 0
    template = Template.objects.create(
        slug=slug,
        version=newest + 1,
        name=data["name"],
        play=data["play"],
        topic=data["topic"],
        cause=data["cause"],
        channel=data["channel"],
        language=data["language"],
        subject=data["subject"],
        body=data["body"].replace("\r\n", "\n").strip(),
        proposed_by=by,
        proposed_at=now,
    )
    _record_template(events.TEMPLATE_PROPOSED, template, by=by, now=now)
    return template


@transaction.atomic
def set_template_status(
    *, template_id: int, status: str, by: User, now: datetime, note: str = ""
) -> Template:
    """Put a version into use (the one before retires), or retire it. Retiring a proposed one
    refuses it: its author is told, with the note. Twice is once. Raises Conflict, NotAllowed."""
    _check_may(by, "outreach.approve_library")
    template = Template.objects.get(pk=template_id)
    versions = list(Template.objects.select_for_update().filter(slug=template.slug).order_by("pk"))
    template = next(version for version in versions if version.pk == template_id)
    wanted = LibraryStatus(status)
    if template.status == wanted:
        return template
    if not library_may_become(template.status, wanted):
        raise Conflict(f"This text is {template.get_status_display()}.")
    if wanted == LibraryStatus.ACTIVE:
        _check_other_eyes(by, template.proposed_by_id)
        template.approved_by = by
        Template.objects.filter(slug=template.slug, status=LibraryStatus.ACTIVE).update(
            status=LibraryStatus.RETIRED
        )
    elif template.status == LibraryStatus.PROPOSED:
        refusals.tell_proposer(template, note=note, by=by, now=now)
    template.status = wanted
    template.save(update_fields=["status", "approved_by"])
    in_use = wanted == LibraryStatus.ACTIVE
    event = events.TEMPLATE_APPROVED if in_use else events.TEMPLATE_RETIRED
    _record_template(event, template, by=by, now=now)
    return template


def _record_template(event: str, template: Template, *, by: User, now: datetime) -> None:
    audit.record(
        event,
        at=now,
        by=by,
        target=template,
        detail={"slug": template.slug, "version": template.version, "channel": template.channel},
    )


# --- Who words the texts ------------------------------------------------------------------------


@transaction.atomic
def change_wording(*, wanted: Mapping[str, str], by: User, now: datetime) -> int:
    """Say by play who words its texts (Play.Wording). Nothing changed is no act. Returns how many
    changed. Raises NotAllowed."""
    _check_may(by, "outreach.change_policy")
    changed = [
        play
        for play in Play.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
        if play.wording != wanted[play.pk]
    ]
    for play in changed:
        play.wording = Play.Wording(wanted[play.pk])
    Play.objects.bulk_update(changed, ["wording"])
    audit.record_many(
        [
            Entry(
                event=events.WORDING_CHANGED,
                at=now,
                by=by,
                target=play,
                detail={"play": play.pk, "wording": play.wording},
            )
            for play in changed
        ]
    )
    return len(changed)


# --- Rules --------------------------------------------------------------------------------------


@transaction.atomic
def change_policy(*, data: dict[str, Any], by: User, now: datetime) -> OutreachPolicy:
    """Change the rules for writing to guests; limits of today and this month follow. Nothing
    changed is no act. Raises NotAllowed."""
    _check_may(by, "outreach.change_policy")
    OutreachPolicy.current()
    policy = OutreachPolicy.objects.select_for_update().get()
    changes = {name: value for name, value in data.items() if getattr(policy, name) != value}
    if not changes:
        return policy
    before = {name: getattr(policy, name) for name in changes}
    for name, value in changes.items():
        setattr(policy, name, value)
    policy.save(update_fields=list(changes))
    if any(name.endswith("_cents") or name == "limits_by_currency" for name in changes):
        caps.follow_policy(policy=policy, locations=list(Location.objects.all()), now=now)
    told = ", ".join(f"{name} {before[name]} to {changes[name]}" for name in sorted(changes))
    audit.record(events.POLICY_CHANGED, at=now, by=by, target=policy, detail={"changes": told})
    return policy
