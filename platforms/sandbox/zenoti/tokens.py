"""Access tokens, the other way to sign in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from platforms.sandbox.environment import environment
from platforms.sandbox.zenoti.errors import WireError, answer
from platforms.sandbox.zenoti.gate import token_for
from platforms.sandbox.zenoti.params import json_body


@require_POST
def tokens(request: HttpRequest) -> HttpResponse:
    """A token for the app whose `app_secret` is the API key."""
    body = json_body(request)
    if body.get("grant_type") != "password" or body.get("app_secret") != environment().api_key:
        raise WireError(401, 438, "Invalid credentials")
    now = datetime.now(UTC)
    return answer(
        {
            "credentials": {
                "access_token": token_for(environment().api_key),
                "access_token_expiry": (now + timedelta(hours=24)).isoformat(),
                "refresh_token": token_for(environment().api_key + "refresh"),
                "refresh_token_expiry": (now + timedelta(days=90)).isoformat(),
                "token_type": "bearer",
                "token_id": "1",
            },
            "error": None,
        }
    )
