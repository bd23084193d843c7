"""What the lock-out after wrong passwords counts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def name_tried(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """The sign-in name as it is told apart: Dana and dana share one count of wrong passwords."""
    tried = (credentials or {}).get("username") or (
        request.POST.get("username", "") if request is not None else ""
    )
    return str(tried).strip().casefold()
