"""What happens around a sign-in: what the lock-out counts, what the session remembers."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from staff import second_factor
from staff.models import User


@receiver(user_logged_in)
def begin_session(sender: type[User], request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Note when the sign-in began and whether a second factor is owed, so that the requests that
    follow need not ask."""
    request.session["signed_in_at"] = request.session["seen_at"] = int(time.time())
    request.session[second_factor.SESSION_KEY] = second_factor.has_one(user)


def name_tried(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """The sign-in name as it is told apart: Dana and dana share one count of wrong passwords."""
    tried = (credentials or {}).get("username") or (
        request.POST.get("username", "") if request is not None else ""
    )
    return str(tried).strip().casefold()
