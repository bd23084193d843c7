"""Who may do what, asked by name: `user.has_perm("outreach.approve_draft", draft)`.

Without an object the answer is whether the person's role holds the permission at all; with one, it
must belong to a location the person serves, and the rules below must agree. A permission that is
not registered here is refused to everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rules

from memberships.models import Location
from staff import roles
from staff.models import User


def _held(permission: str) -> Callable[[Any], bool]:
    def held(user: Any) -> bool:
        role = getattr(user, "role", "")
        return bool(user.is_active) and permission in roles.PERMISSIONS.get(role, frozenset())

    return held


def serves_it(user: Any, obj: Any) -> bool:
    """The object belongs to one of the person's locations. Objects of the whole business, which
    have no `location_id` at all, pass: for them holding the permission is enough."""
    if obj is None:
        return True
    if isinstance(obj, Location):
        return bool(user.serves(obj.pk))
    if not hasattr(obj, "location_id"):
        return True
    return bool(user.serves(obj.location_id))


def within_limit(user: Any, draft: Any) -> bool:
    """The draft's offer costs no more than the person may approve."""
    return (
        draft is None or bool(user.all_locations) or draft.cost_cents <= user.approval_limit_cents
    )


def other_eyes(user: Any, draft: Any) -> bool:
    """Where policy asks for four eyes, nobody approves words of their own, administrators
    included. A draft that does not say what the policy is counts as one that asks."""
    if draft is None or not getattr(draft, "four_eyes_on_edits", True):
        return True
    return user.pk not in draft.writers


def whole_business(user: Any) -> bool:
    """The person serves every location in use: what they change here changes it for all."""
    if user.all_locations:
        return True
    mine = user.location_ids()
    return bool(mine) and not Location.objects.filter(is_active=True).exclude(pk__in=mine).exists()


DEMANDS: dict[str, list[Callable[..., bool]]] = {
    "outreach.approve_draft": [within_limit, other_eyes],
    "outreach.change_policy": [whole_business],
    "risk.change_thresholds": [whole_business],
    "risk.serve_model": [whole_business],
}


def register() -> None:
    """Make every permission of every role known to `has_perm`. Safe to call again."""
    for permission in sorted(roles.ADMIN):
        rule = rules.predicate(_held(permission))
        for demand in [serves_it, *DEMANDS.get(permission, [])]:
            rule = rule & rules.predicate(demand)
        rules.set_perm(permission, rule)


def holders(permission: str) -> list[str]:
    """The roles that hold a permission, for pages and documents."""
    return [role for role in User.Role.values if permission in roles.PERMISSIONS[role]]
