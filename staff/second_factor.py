"""The second factor: a code from an authenticator app, or one of ten recovery codes."""

from __future__ import annotations

import base64
import io
import secrets
from datetime import datetime
from typing import Any

import django_otp
import qrcode
import qrcode.image.svg
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit import services as ledger
from staff import events
from staff.models import User

RECOVERY_CODES = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # without letters read as digits
SESSION_KEY = "has_second_factor"


class WrongCode(Exception):
    """The code does not fit, is used up, or came too soon after wrong ones."""


def may_need_one(user: User) -> bool:
    """Whether this person may approve messages or administer."""
    return user.has_perm("outreach.approve_draft") or user.has_perm("staff.manage_people")


def is_missing(request: HttpRequest) -> bool:
    """Whether the person has signed in by password but still owes the second factor."""
    user = request.user
    if not user.is_authenticated or user.is_verified():  # type: ignore[attr-defined]
        return False
    owed = settings.SECOND_FACTOR_REQUIRED and may_need_one(user)
    return bool(request.session.get(SESSION_KEY) or owed)


def has_one(user: User) -> bool:
    """Whether the person has finished setting one up."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def started(user: User) -> TOTPDevice:
    """The device being set up, made when there is none."""
    device = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    return device or TOTPDevice.objects.create(user=user, name="app", confirmed=False)


def secret_of(device: TOTPDevice) -> str:
    """The key to type into an app that cannot read the picture, in groups of four."""
    key = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))


def picture_of(device: TOTPDevice) -> str:
    """The key as a QR code: a data: address of an SVG."""
    image = qrcode.make(device.config_url, image_factory=qrcode.image.svg.SvgPathFillImage)
    file = io.BytesIO()
    image.save(file)
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()


@transaction.atomic
def confirm(*, user: User, code: str, now: datetime) -> tuple[TOTPDevice, list[str]]:
    """Finish setting up with a first code. Returns the device and the recovery codes, which are
    shown once. Raises WrongCode."""
    device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
    if device is None or not device.verify_token(_digits(code)):
        raise WrongCode
    TOTPDevice.objects.filter(user=user, confirmed=True).delete()
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    codes = _new_recovery_codes(user)
    ledger.record(events.SECOND_FACTOR_SET_UP, at=now, by=user, target=user)
    return device, codes


def _new_recovery_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery")
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def verify(request: HttpRequest, *, user: User, code: str) -> None:
    """Mark the sign-in as verified when the code fits. Raises WrongCode."""
    typed = "".join(code.split()).replace("-", "").lower()
    device = django_otp.match_token(user, typed)
    if device is None:
        raise WrongCode
    accept(request, device)


def accept(request: HttpRequest, device: Any) -> None:
    """The sign-in counts as verified from here on."""
    django_otp.login(request, device)
    request.session[SESSION_KEY] = True


@transaction.atomic
def remove(*, person: User, by: User, now: datetime) -> None:
    """Take the second factor away: the person lost the phone and sets up a new one."""
    TOTPDevice.objects.filter(user=person).delete()
    StaticDevice.objects.filter(user=person).delete()
    ledger.record(events.SECOND_FACTOR_REMOVED, at=now, by=by, target=person)


def _digits(code: str) -> str:
    return "".join(code.split())
