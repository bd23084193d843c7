"""Webhook endpoints: verify the raw bytes, store, acknowledge. The work comes later."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

import orjson
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from audit import clock
from audit.access import public
from platforms import inbox, standard_webhooks, tasks
from platforms.carriers import sms
from platforms.zenoti import signature

log = logging.getLogger(__name__)
MAX_BODY_BYTES = 1_000_000
ACKNOWLEDGED = 204


def _too_large(request: HttpRequest) -> bool:
    try:
        return int(request.headers.get("Content-Length") or 0) > MAX_BODY_BYTES
    except ValueError:
        return True


def _keep(
    connection: str,
    delivery_id: str,
    body: bytes,
    event_type: str,
    now: datetime,
    sender: str = "",
    about: UUID | None = None,
) -> HttpResponse:
    """Store in one transaction, then wake a worker; the sweep finds what the wake-up missed. What
    PostgreSQL cannot store in a text is left out of the columns; the body is kept as it came."""
    delivery_id, event_type, sender = (
        value.replace("\x00", "") for value in (delivery_id, event_type, sender)
    )
    with transaction.atomic():
        receipt = inbox.receive(
            connection=connection,
            delivery_id=delivery_id,
            body=body,
            event_type=event_type,
            sender=sender,
            about=about,
            now=now,
        )
        if receipt is inbox.Receipt.NEW:
            transaction.on_commit(tasks.wake_inbox, robust=True)
    if receipt is inbox.Receipt.CONFLICT:
        return HttpResponse("This delivery id was used for another body.", status=409)
    return HttpResponse(status=ACKNOWLEDGED)


@public
@csrf_exempt
@require_http_methods(["POST", "PUT", "PATCH"])
def zenoti(request: HttpRequest) -> HttpResponse:
    """Deliveries of the booking platform. Its test button posts nothing at all, unsigned."""
    if _too_large(request):
        return HttpResponse("Too large.", status=413)
    body = request.body
    if not body.strip():
        return HttpResponse(status=200)
    header = request.headers.get(settings.PLATFORM["signature_header"], "")
    if not signature.is_genuine(body, header, settings.PLATFORM["webhook_secrets"]):
        log.warning("hook: a delivery without a valid signature was refused")
        return HttpResponse("The signature does not match.", status=401)
    delivery_id, event_type = "", ""
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError:
        # Signed, so it is the platform's: keep it, the worker parks it with its reason.
        envelope = None
    if isinstance(envelope, dict):
        delivery_id = str(envelope.get("id") or "")
        event_type = str(envelope.get("event_type") or "")
    return _keep("zenoti", delivery_id, body, event_type, clock.now())


def _from_carrier(request: HttpRequest) -> QueryDict | HttpResponse:
    """The form of a genuine callback of the SMS carrier, or the refusal."""
    if _too_large(request):
        return HttpResponse("Too large.", status=413)
    url = settings.PUBLIC_URL.rstrip("/") + request.get_full_path()
    form = QueryDict(request.body, encoding="utf-8")
    given = request.headers.get("X-Twilio-Signature", "")
    if not sms.verify_signature(url, {name: form.get(name, "") for name in form}, given):
        log.warning("hook: a carrier callback without a valid signature was refused")
        return HttpResponse("The signature does not match.", status=401)
    return form


@public
@csrf_exempt
@require_http_methods(["POST"])
def sms_status(request: HttpRequest, item: UUID | None = None) -> HttpResponse:
    """What became of a message: queued, sent, delivered, undelivered, failed. `item` is the outbox
    row the carrier was given this address for; its signature covers the address."""
    form = _from_carrier(request)
    if isinstance(form, HttpResponse):
        return form
    status = form.get("MessageStatus", "")
    sid = form.get("MessageSid", "")
    delivery_id = f"{sid}:{status}" if sid and status else ""
    return _keep("sms-status", delivery_id, request.body, status, clock.now(), about=item)


@public
@csrf_exempt
@require_http_methods(["POST"])
def sms_inbound(request: HttpRequest) -> HttpResponse:
    """What a guest wrote back. From this commit on nothing leaves for the sender until it is read:
    it may say stop, and the worker that reads it may be late."""
    form = _from_carrier(request)
    if isinstance(form, HttpResponse):
        return form
    sid = form.get("MessageSid", "")
    sender = form.get("From", "").strip()
    return _keep("sms-inbound", sid, request.body, "inbound", clock.now(), sender)


@public
@csrf_exempt
@require_http_methods(["POST"])
def mail(request: HttpRequest) -> HttpResponse:
    """An answer by e-mail, or what became of a mail. As with texts, nothing leaves for its author
    from this commit on until it is read."""
    if _too_large(request):
        return HttpResponse("Too large.", status=413)
    body, now = request.body, clock.now()
    secrets = settings.MAIL["hook_secrets"]
    delivery_id = standard_webhooks.genuine_id(request.headers, body, secrets, now=now)
    if not delivery_id:
        log.warning("hook: mail without a valid, fresh signature was refused")
        return HttpResponse("The signature does not match, or is too old.", status=401)
    author = inbox.author_of("mail", body)
    return _keep("mail", delivery_id, body, "answer" if author else "notice", now, author)
