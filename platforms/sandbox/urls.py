"""Addresses of the sandbox server."""

from __future__ import annotations

from django.urls import path, re_path

from platforms.sandbox import control, oracle
from platforms.sandbox.carrier import api, sink
from platforms.sandbox.zenoti import book, reads, sales, tokens, writes

GUEST = "v1/guests/<str:guest_id>"
MEMBERSHIP = f"{GUEST}/memberships/<str:membership_id>"
CENTER = "v1/centers/<str:center_id>"
INVOICE = "v1/invoices/<str:invoice_id>"
ACCOUNT = "2010-04-01/Accounts/<str:account>"

urlpatterns = [
    path("v1/tokens", tokens.tokens),
    path("v1/centers", reads.centers),
    path("v1/guests", reads.guests),
    path("v1/guests/search", reads.search_guests),
    path("v1/guests/memberships/change_log", reads.change_log),
    path(GUEST, reads.guest),
    path(f"{GUEST}/memberships", reads.guest_memberships),
    path(f"{MEMBERSHIP}/freeze", writes.freeze),
    path(f"{MEMBERSHIP}/unfreeze", writes.unfreeze),
    path(f"{MEMBERSHIP}/cancel", writes.cancel),
    path(f"{GUEST}/appointments", book.guest_appointments),
    path(f"{GUEST}/notes", writes.guest_notes),
    path(f"{GUEST}/notes/<str:note_id>", writes.guest_note),
    path(f"{CENTER}/memberships", reads.plans),
    path(f"{CENTER}/members", reads.members),
    path(f"{CENTER}/services", reads.services),
    path(f"{CENTER}/employees", reads.employees),
    path(f"{CENTER}/feedbacks", reads.feedbacks),
    path(f"{CENTER}/invoices", sales.center_invoices),
    path("v2/centers/<str:center_id>/waitlist", writes.waitlist),
    path("v2/centers/<str:center_id>/waitlist/<str:waitlist_id>", writes.waitlist_row),
    path("v1/reasons", reads.reasons),
    path("v1/appointments", book.appointments),
    path("v1/appointments/<str:appointment_id>", book.appointment),
    path("v1/appointments/<str:group_id>/no_show", writes.no_show),
    path("v1/appointments/<str:group_id>/feedbacks", writes.feedback),
    path("v1/opportunities", writes.opportunities),
    path("v1/invoices/memberships", sales.open_invoice),
    path(INVOICE, sales.invoice),
    path(f"{INVOICE}/cancel", writes.cancel_booking),
    path(f"{INVOICE}/online_payments", sales.pay_online),
    path(f"{INVOICE}/payment/custom", sales.pay_custom),
    path(f"{INVOICE}/close", sales.close_invoice),
    path(f"{INVOICE}/email", sales.mail_receipt),
    path("v1/reports/collections/flat_file", book.collections),
    path("v1/reports/appointments/flat_file", book.appointments_report),
    path("v1/reports/memberships/flat_file", book.memberships_report),
    re_path(r"^(?P<path>v[12]/.*)$", reads.unknown_path),
    path(f"{ACCOUNT}/Messages.json", api.message_list),
    path(f"{ACCOUNT}/Messages/<str:sid>.json", api.message),
    path("sink/", sink.page),
    path("sink/messages.json", sink.messages_json),
    path("sink/reply", sink.reply),
    path("healthz", oracle.healthz),
    path("_sandbox/status", control.status),
    path("_sandbox/advance", control.advance_days),
    path("_sandbox/faults", control.switch_faults),
    path("_sandbox/webhooks/ping", control.webhook_ping),
    path("_sandbox/webhooks/on", control.webhook_on),
    path("_sandbox/oracle/members", oracle.members),
    path("_sandbox/oracle/bookings", oracle.bookings),
    path("_sandbox/oracle/ended", oracle.ended),
]
