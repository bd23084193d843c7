"""Addresses of the sandbox server."""

from __future__ import annotations

from django.urls import path, re_path

from platforms.sandbox.zenoti import book, reads

urlpatterns = [
    path("v1/centers", reads.centers),
    path("v1/guests", reads.guests),
    path("v1/guests/search", reads.search_guests),
    path("v1/guests/memberships/change_log", reads.change_log),
    path("v1/guests/<str:guest_id>", reads.guest),
    path("v1/guests/<str:guest_id>/memberships", reads.guest_memberships),
    path("v1/guests/<str:guest_id>/appointments", book.guest_appointments),
    path("v1/centers/<str:center_id>/memberships", reads.plans),
    path("v1/centers/<str:center_id>/members", reads.members),
    path("v1/centers/<str:center_id>/services", reads.services),
    path("v1/centers/<str:center_id>/employees", reads.employees),
    path("v1/centers/<str:center_id>/feedbacks", reads.feedbacks),
    path("v2/centers/<str:center_id>/waitlist", reads.waitlist),
    path("v1/reasons", reads.reasons),
    path("v1/appointments", book.appointments),
    path("v1/appointments/<str:appointment_id>", book.appointment),
    path("v1/reports/collections/flat_file", book.collections),
    path("v1/reports/appointments/flat_file", book.appointments_report),
    path("v1/reports/memberships/flat_file", book.memberships_report),
    re_path(r"^(?P<path>v[12]/.*)$", reads.unknown_path),
]
