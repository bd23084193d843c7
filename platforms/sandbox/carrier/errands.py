"""Doing what is due: delivery states, callbacks, reactions, inbound texts."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

import orjson
import requests
from django.db import transaction
from psycopg.types.json import Jsonb

from platforms.sandbox import faults
from platforms.sandbox.business import execute, from_json, query
from platforms.sandbox.carrier import guests, messages
from platforms.sandbox.environment import environment

log = logging.getLogger("sandbox")
BATCH = 50
MAX_TRIES = 8
TIMEOUT_S = 10
DRAIN_ROUNDS = 200
_one_at_a_time = threading.Lock()


class Errands:
    """Takes due errands one by one; each is done before it is ticked off."""

    def __init__(self) -> None:
        self.session = requests.Session()

    def turn(self) -> int:
        """Do what is due; returns how many errands that was."""
        with _one_at_a_time:
            return self._turn()

    @staticmethod
    def drain() -> None:
        """Do everything that waits, whenever it is due: guests look at their phones now."""
        errands = Errands()
        for _ in range(DRAIN_ROUNDS):
            execute("UPDATE errand SET due_at = now() WHERE NOT done AND attempts = 0")
            if not errands.turn():
                return

    def _turn(self) -> int:
        rows = query(
            "SELECT id, kind, message_id, detail, attempts FROM errand "
            "WHERE NOT done AND due_at <= %s ORDER BY due_at, id LIMIT %s",
            [messages.now(), BATCH],
        )
        for number, kind, message_id, detail, attempts in rows:
            self._do(number, kind, message_id, from_json(detail), attempts)
        return len(rows)

    def _do(self, number: int, kind: str, message_id: int, detail: Any, attempts: int) -> None:
        if kind == "status":
            with transaction.atomic():
                _move_on(message_id, detail["status"])
                _tick(number)
        elif kind == "react":
            with transaction.atomic():
                guests.react(message_id)
                _tick(number)
        elif self._post(kind, message_id, detail):
            _tick(number)
        elif attempts + 1 >= MAX_TRIES:
            log.warning("Gave up posting the %s of message %s", kind, message_id)
            _tick(number)
        else:
            pause = timedelta(seconds=min(0.2 * 2**attempts, 60))
            execute(
                "UPDATE errand SET attempts = attempts + 1, due_at = %s WHERE id = %s",
                [messages.now() + pause, number],
            )

    def _post(self, kind: str, message_id: int, detail: Any) -> bool:
        """Post a status or a guest's text to the product; whether it was taken."""
        if kind in ("mail", "mail-notice"):
            return self._post_mail(message_id, detail)
        sid, sender, recipient, body, callback = query(
            "SELECT sid, sender, recipient, body, callback FROM message WHERE id = %s",
            [message_id],
        )[0]
        account = environment().sms_account
        form = {
            "MessageSid": sid, "SmsSid": sid, "AccountSid": account, "From": sender,
            "To": recipient, "ApiVersion": "2010-04-01",
        }  # fmt: skip
        if kind == "callback":
            url = callback
            form |= {"MessageStatus": detail["status"], "SmsStatus": detail["status"]}
            if detail.get("error_code"):
                form["ErrorCode"] = str(detail["error_code"])
        else:
            url = environment().sms_inbound_url
            form |= {"Body": body, "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received"}
        if not url:
            return True
        try:
            answer = self.session.post(
                url, data=form, headers={"X-Twilio-Signature": messages.signature(url, form)},
                timeout=TIMEOUT_S, allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException:
            return False
        return 200 <= answer.status_code < 300

    def _post_mail(self, message_id: int, detail: Any) -> bool:
        """Post a mail or a notice, signed; whether it was taken."""
        settings = environment()
        if not settings.mail_hook_url:
            return True
        wire = mail_of(message_id, detail)
        body, stamp = orjson.dumps(wire), int(messages.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": wire["id"],
            "webhook-timestamp": str(stamp),
            "webhook-signature": messages.mail_signature(
                wire["id"], stamp, body, settings.mail_hook_secret
            ),
        }
        try:
            answer = self.session.post(
                settings.mail_hook_url, data=body, headers=headers, timeout=TIMEOUT_S,
                allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException:
            return False
        return 200 <= answer.status_code < 300


def mail_of(message_id: int, detail: Any) -> dict[str, Any]:
    """A guest's mail, or what became of one of the business, in the form of the mail service."""
    sid, sender, recipient, subject, body, created_at, headers = query(
        "SELECT sid, sender, recipient, subject, body, created_at, headers FROM message "
        "WHERE id = %s",
        [message_id],
    )[0]
    known = from_json(headers) or {}
    if detail.get("type"):
        return {"id": f"{sid}-{detail['type']}", "in_reply_to": known.get("Message-ID"), **detail}
    return {
        "id": sid, "type": "inbound", "message_id": f"<{sid}@guests.example>", "from": sender,
        "to": recipient, "subject": subject, "text": body, "received_at": created_at.isoformat(),
        "in_reply_to": known.get("In-Reply-To"), "headers": known,
    }  # fmt: skip


def _tick(number: int) -> None:
    execute("UPDATE errand SET done = true WHERE id = %s", [number])


def _move_on(message_id: int, status: str) -> None:
    """The message reaches its next state, which is called back and leads to the next."""
    guest_id, callback = query(
        "SELECT guest_id, callback FROM message WHERE id = %s", [message_id]
    )[0]
    pace = environment().answer_seconds
    error_code = None
    if status == "delivered" and guest_id is None:
        status, error_code = "undelivered", 30005
    elif status == "delivered" and faults.strikes("carrier_undelivered"):
        status, error_code = "undelivered", 30003
    execute(
        "UPDATE message SET status = %s, error_code = %s WHERE id = %s",
        [status, error_code, message_id],
    )
    if callback and not faults.setting("carrier_no_receipts"):
        detail = {"status": status, "error_code": error_code}
        times = 2 if faults.strikes("carrier_duplicate_status") else 1
        times = 0 if faults.strikes("carrier_lost_status") else times
        late = (
            1 + 2 * pace * messages.DELIVERED_AFTER if faults.strikes("carrier_late_status") else 0
        )
        for _ in range(times):
            execute(
                "INSERT INTO errand (kind, due_at, message_id, detail) "
                "VALUES ('callback', %s, %s, %s)",
                [messages.now() + timedelta(seconds=late), message_id, Jsonb(detail)],
            )
    if status == "sent":
        messages.errand("status", message_id, pace * messages.DELIVERED_AFTER, status="delivered")
    elif status == "delivered":
        guests.plan_reaction(message_id)
