"""The rules of the call lists, changed by a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from audit import services as audit
from cancellations import events
from cancellations.models import CallRules
from staff.models import User


@transaction.atomic
def change_rules(*, values: dict[str, Any], by: User, now: datetime) -> CallRules:
    """Set the given rules. The ledger keeps what each was and became."""
    CallRules.current()
    rules = CallRules.objects.select_for_update().get(pk=1)
    changed = {
        name: [getattr(rules, name), value]
        for name, value in values.items()
        if getattr(rules, name) != value
    }
    if not changed:
        return rules
    for name, value in values.items():
        setattr(rules, name, value)
    rules.version += 1
    rules.save()
    audit.record(events.RULES_CHANGED, at=now, by=by, detail={"changed": changed})
    return rules
