"""Reading the parameters of a call; each failure is the error Zenoti would send."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest

from platforms.sandbox.business import Facts
from platforms.sandbox.days import parse_day
from platforms.sandbox.guid import Kind
from platforms.sandbox.zenoti.errors import WireError, bad_parameter, not_found

MAX_SIZE = 100


def paging(request: HttpRequest, *, largest: int = MAX_SIZE) -> tuple[int, int]:
    """(page, size): 1-based, ten by default. Raises 422 beyond the largest page."""
    try:
        page = int(request.GET.get("page", "1"))
        size = int(request.GET.get("size", "10"))
    except ValueError:
        raise bad_parameter("page and size must be numbers") from None
    if size > largest or size < 1 or page < 1:
        raise WireError(422, 422, f"size must be between 1 and {largest}", "flat")
    return page, size


def page_info(total: int, page: int, size: int) -> dict[str, int]:
    return {"total": total, "page": page, "size": size}


def day_param(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name)
    if not text:
        return None
    try:
        return parse_day(text)
    except ValueError:
        raise bad_parameter(f"{name} is not a date (YYYY-MM-DD)") from None


def required_day(request: HttpRequest, name: str) -> int:
    day = day_param(request, name)
    if day is None:
        raise bad_parameter(f"{name} is required")
    return day


def center_number(facts: Facts, guid: str | None) -> int:
    """The location behind a GUID. Raises 401 as Zenoti does for a missing or foreign one."""
    number = facts.guids.number(Kind.CENTER, guid)
    if number is None or number not in facts.centers:
        raise WireError(401, 401, "Invalid Center")
    return number


def number_of(facts: Facts, kind: Kind, guid: str | None, what: str) -> int:
    number = facts.guids.number(kind, guid)
    if number is None:
        raise not_found(what)
    return number


def json_body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError:
        raise bad_parameter("The body is not JSON") from None
    if not isinstance(body, dict):
        raise bad_parameter("The body must be an object")
    return body


def flag(request: HttpRequest, name: str) -> bool:
    return request.GET.get(name, "").lower() in {"1", "true"}
