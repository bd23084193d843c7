"""The request as views of signed-in people get it."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from memberships.models import Location
from staff.models import User


class StaffRequest(HttpRequest):
    """For annotations: somebody is signed in, and `staff.middleware.place` has read where."""

    user: User
    my_locations: list[Location]
    htmx: HtmxDetails
