"""The guests' phones and mailboxes, to read by eye or by program."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from platforms.sandbox.business import Row, from_json, query
from platforms.sandbox.carrier import guests
from platforms.sandbox.environment import environment
from platforms.sandbox.zenoti.errors import answer

THREADS, LINES = 40, 200
COLUMNS = (
    "m.id, m.sid, m.channel, m.direction, m.sender, m.recipient, m.subject, m.body, m.status, "
    "m.error_code, m.reference, m.created_at, m.headers, g.first_name, g.last_name"
)
NAMES = [column.partition(".")[2] for column in COLUMNS.split(", ")]


def _messages(where: str, params: list[Any], limit: int) -> list[dict[str, Any]]:
    rows: list[Row] = query(
        f"SELECT {COLUMNS} FROM message m LEFT JOIN guest g ON g.id = m.guest_id WHERE {where} "  # noqa: S608
        "ORDER BY m.id DESC LIMIT %s",
        [*params, limit],
    )
    found = [dict(zip(NAMES, row, strict=True)) for row in rows]
    for message in found:
        inbound = message["direction"] == "in"
        message["address"] = message["sender" if inbound else "recipient"]
        message["headers"] = from_json(message["headers"])
        message["who"] = f"{message['first_name'] or ''} {message['last_name'] or ''}".strip()
    return found


@require_GET
def messages_json(request: HttpRequest) -> HttpResponse:
    """`/sink/messages.json?to=&reference=&after=`: newest first, at most 200."""
    wheres, params = ["true"], list[Any]()
    if to := request.GET.get("to"):
        wheres.append("(m.recipient = %s OR m.sender = %s)")
        params += [to, to]
    if reference := request.GET.get("reference"):
        wheres.append("m.reference = %s")
        params.append(reference)
    if (after := request.GET.get("after", "")).isdigit():
        wheres.append("m.id > %s")
        params.append(int(after))
    found = _messages(" AND ".join(wheres), params, LINES)
    for message in found:
        message["created_at"] = message["created_at"].isoformat()
    return answer({"messages": found})


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """All phones and mailboxes, or one of them with `?address=`."""
    address = request.GET.get("address", "")
    if address:
        found = _messages("(m.recipient = %s OR m.sender = %s)", [address, address], LINES)
        found.reverse()
        context = {"address": address, "thread": found, "who": found[-1]["who"] if found else ""}
        context["can_answer"] = any(
            line["direction"] == "out"
            and (line["channel"] == "sms" or bool(environment().mail_hook_url))
            for line in found
        )
        return render(request, "sandbox/thread.html", context)
    newest = _messages("true", [], 1000)
    threads: dict[str, dict[str, Any]] = {}
    for message in newest:
        threads.setdefault(message["address"], {"last": message, "count": 0})["count"] += 1
    shown = list(threads.items())[:THREADS]
    return render(request, "sandbox/sink.html", {"threads": shown, "total": len(newest)})


@require_POST
def reply(request: HttpRequest) -> HttpResponse:
    """A person answers a text or a mail in the guest's place."""
    address, body = request.POST.get("address", ""), request.POST.get("body", "").strip()
    last = query(
        "SELECT id, channel FROM message WHERE recipient = %s AND direction = 'out' "
        "ORDER BY id DESC LIMIT 1",
        [address],
    )
    if last and body:
        number, channel = last[0]
        if channel == "sms":
            guests.write_back(number, body[:1600])
        else:
            guests.mail_back(number, body[:1600])
    return HttpResponseRedirect(f"/sink/?{urlencode({'address': address})}")
