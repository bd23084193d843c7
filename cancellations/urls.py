"""Addresses of the call list and of the bookings."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from cancellations.views import bookings, calls, rules

urlpatterns: list[URLPattern | URLResolver] = [
    path("calls/", calls.call_list, name="calls"),
    path("calls/next/", calls.call_next, name="call-next"),
    path("calls/enter/", calls.call_enter, name="call-enter"),
    path("calls/ask/", calls.call_ask, name="call-ask"),
    path("calls/of/<int:guest_id>/", calls.call_history, name="call-history"),
    path("calls/<int:call_id>/", calls.call_card, name="call"),
    path("calls/<int:call_id>/log/", calls.call_log, name="call-log"),
    path("calls/<int:call_id>/later/", calls.call_later, name="call-later"),
    path("calls/<int:call_id>/undo/", calls.call_undo, name="call-undo"),
    path("calls/<int:call_id>/release/", calls.call_release, name="call-release"),
    path("bookings/", bookings.booking_list, name="bookings"),
    path("overview/bookings/", bookings.booking_forecast, name="overview-bookings"),
    path("settings/calls/", rules.call_rules, name="settings-calls"),
]
