"""Everything kept about one guest, and everything done to and about them, as files to hand over.

Composed here, where all apps are known. A table that speaks of guests is either a section or left
out with a reason; a test walks all tables and finds the one somebody forgot.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models.expressions import RawSQL
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from audit import clock, fence, reads, services
from audit.access import picked_location, requires
from audit.apps import GUEST_EXPORTED
from audit.models import GUESTS_LISTED, LedgerEntry
from audit.selectors import in_batches
from audit.views import guarded
from memberships.models import Guest
from outreach.models import Suppression
from retention.selectors.members import visible_guests
from staff.request import StaffRequest

MOST_ENTRIES = 1_000_000


@dataclass(frozen=True)
class Section:
    """One table: the name of its file, its title for people, and how its rows lead to the guest."""

    name: str
    title: Any
    model: str
    path: str = "guest"


SECTIONS = [
    Section("you", gettext_lazy("Name, address, consents"), "memberships.Guest", "pk"),
    Section("memberships", gettext_lazy("Memberships"), "memberships.Membership"),
    Section("benefits", gettext_lazy("Benefits"), "memberships.Benefit", "membership__guest"),
    Section("payments", gettext_lazy("Payments"), "memberships.Charge"),
    Section("appointments", gettext_lazy("Appointments"), "memberships.Appointment"),
    Section("waitlist", gettext_lazy("Waitlist"), "memberships.WaitlistEntry"),
    Section("reviews", gettext_lazy("Reviews"), "memberships.Review"),
    Section("scores", gettext_lazy("Score of leaving, with reasons"), "risk.ChurnScore"),
    Section(
        "score-history", gettext_lazy("Scores of earlier days"), "risk.ChurnScoreDay",
        "membership__guest",
    ),
    Section("booking-scores", gettext_lazy("Scores of bookings"), "risk.BookingScore"),
    Section(
        "booking-score-history", gettext_lazy("Booking scores of earlier days"),
        "risk.BookingScoreDay", "appointment__guest",
    ),
    Section("facts-left-out", gettext_lazy("Facts left out of the scores"), "risk.InputExclusion"),
    Section("drafts", gettext_lazy("Drafted messages and what became of them"), "outreach.Draft"),
    Section(
        "would-have-sent", gettext_lazy("Messages only noted, never drafted"),
        "outreach.ShadowDraft",
    ),
    Section("sequences", gettext_lazy("Sequences"), "outreach.Run"),
    Section("call-tasks", gettext_lazy("Calls asked for by a sequence"), "outreach.CallTask"),
    Section("conversations", gettext_lazy("Conversations"), "outreach.Thread"),
    Section(
        "drafts-sent-back", gettext_lazy("Drafts sent back to their author"), "outreach.Refusal",
        "draft__guest",
    ),
    Section("authorisations", gettext_lazy("Agreed to in writing"), "outreach.Authorisation"),
    Section("messages", gettext_lazy("Messages sent"), "outreach.Message"),
    Section("replies", gettext_lazy("Replies"), "outreach.Reply"),
    Section("comparison", gettext_lazy("Drawn by lot: left alone or not"), "outreach.Holdout"),
    Section("calls", gettext_lazy("Calls"), "cancellations.Call"),
    Section("call-tries", gettext_lazy("Tries to call"), "cancellations.CallTry"),
    Section("phone-notes", gettext_lazy("Notes about the phone"), "cancellations.PhoneFlag"),
]  # fmt: skip
LEFT_OUT = {
    "audit.LedgerEntry": "is done-to-you, in sentences",
    "audit.Look": "stands in the ledger a minute later, and is brought there before the export",
    "memberships.GuestDay": "counts the appointments",
    "outreach.Contact": "repeats when the last message was sent",
    "outreach.BreakerProbe": "speaks of messages, not of people",
    "retention.MemberRow": "repeats what the lists sort by",
}
STOPS, LEDGER = "stops", "done-to-you"


def tables(guest: Guest) -> dict[str, list[dict[str, Any]]]:
    """Section -> rows. Who was merged into the guest is the guest."""
    people = Guest.objects.filter(models.Q(pk=guest.pk) | models.Q(merged_into=guest.pk))
    ids = list(people.values_list("pk", flat=True))
    found = {
        section.name: _rows(apps.get_model(section.model), {f"{section.path}__in": ids})
        for section in SECTIONS
    }
    addresses = [text for pair in people.values_list("phone", "email") for text in pair if text]
    found[STOPS] = _rows(Suppression, {"address__in": addresses})
    # Lists of guests are one entry each, and name them in their detail.
    listed = RawSQL(
        "SELECT id FROM audit_ledgerentry WHERE event = %s"
        " AND jsonb_path_exists(body::jsonb, '$.detail.guests[*] ? (@ == $ids[*])', %s)",
        [GUESTS_LISTED, json.dumps({"ids": ids})],
    )
    entries = LedgerEntry.objects.filter(
        models.Q(guest_id__in=ids) | models.Q(pk__in=listed)
    ).order_by("-at", "-pk")
    found[LEDGER] = [
        {
            "at": line.entry.at,
            "what": line.text,
            "who": line.entry.actor_label,
            "where": line.location,
            "chain": line.entry.chain,
            "entry": line.entry.seq,
            "hash": line.entry.hash,
        }
        for batch in in_batches(entries[:MOST_ENTRIES])
        for line in batch
    ]
    return found


def _rows(model: type[models.Model], chosen: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows with names in place of ids where there are names."""
    columns = {}
    for field in model._meta.concrete_fields:
        columns[field.name] = field.attname
        related = field.related_model
        if related is not None and related is not Guest:
            names = {each.name for each in related._meta.concrete_fields}
            wanted = next((name for name in ("name", "username") if name in names), "")
            columns[field.name] = f"{field.name}__{wanted}" if wanted else field.attname
    rows = model._default_manager.filter(**chosen).order_by("pk").values_list(*columns.values())
    return [dict(zip(columns, row, strict=True)) for row in rows]


@fence.beyond("the guest gets everything, wherever it happened")
def archive(guest: Guest, *, now: datetime) -> bytes:
    """A zip: everything as JSON, a table per section, and a page that says what is what."""
    found = tables(guest)
    titles = {section.name: str(section.title) for section in SECTIONS}
    titles |= {STOPS: _("What you asked us to stop"), LEDGER: _("What was done, and who looked")}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        lines = [
            _("What %(business)s keeps about %(name)s in Tenure, on %(on)s.")
            % {"business": settings.BUSINESS_NAME, "name": guest.name, "on": f"{now:%Y-%m-%d}"},
            _("Times are in UTC, amounts in cents. The last file lists everything done, by whom."),
            "",
            *(f"{name}.csv: {titles[name]} ({len(rows)})" for name, rows in found.items()),
        ]
        file.writestr("read-me.txt", "\n".join(lines) + "\n")
        file.writestr("everything.json", json.dumps(found, cls=DjangoJSONEncoder, indent=1))
        for name, rows in found.items():
            file.writestr(f"{name}.csv", _table(rows))
    return out.getvalue()


def _table(rows: Sequence[dict[str, Any]]) -> str:
    out = io.StringIO()
    if rows:
        writer = csv.writer(out)
        writer.writerow(rows[0])
        writer.writerows([guarded(_cell(value)) for value in row.values()] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, cls=DjangoJSONEncoder)
    return "" if value is None else str(value)


@requires("audit.export_guest")
@require_http_methods(["GET", "POST"])
def guest_export(request: StaffRequest, guest_id: int) -> HttpResponse:
    """What the export holds; a POST takes it away, which is itself an entry."""
    picked_location(request)
    guest = get_object_or_404(visible_guests(request.user), pk=guest_id)
    if request.method == "GET":
        titles = [section.title for section in SECTIONS]
        return render(request, "config/guest_export.html", {"guest": guest, "titles": titles})
    now = clock.now()
    reads.note_pending(now=now)
    with transaction.atomic():
        services.record(
            GUEST_EXPORTED,
            at=now,
            by=request.user,
            location_id=guest.location_id,
            guest_id=guest.pk,
        )
    response = HttpResponse(archive(guest, now=now), content_type="application/zip")
    name = f"guest-{guest.code or guest.pk}-{now:%Y-%m-%d}.zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
