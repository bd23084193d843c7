"""The head of every page: whether messages leave, and by whose decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from outreach.models import Switch

if TYPE_CHECKING:
    from staff.models import User


@dataclass(frozen=True)
class AutomationState:
    """Whether messages leave, and by whose decision. `label` is a word or two, `detail` the whole
    story; `news` counts plays that went down by themselves and breakers that hold."""

    is_stopped: bool
    label: str
    detail: str
    switches: list[Switch]
    news: int = 0
    parked: int = 0  # deliveries nobody could read, of guests of the person's locations


_AUTOMATION = """
SELECT count(*) FILTER (WHERE f.phase = 'automatic'), count(*) FILTER (WHERE f.doubt <> ''),
    (SELECT count(*) FROM outreach_breaker b WHERE b.state <> 'closed'
        AND (b.location_id IS NULL OR b.location_id = ANY(%(mine)s))),
    EXISTS (SELECT 1 FROM outreach_switch s WHERE s.stopped),
    (SELECT count(*) FROM platforms_inboxdelivery i WHERE i.status = 'parked' AND (%(whole)s OR (
        i.sender <> '' AND (
            EXISTS (SELECT 1 FROM memberships_guest g
                    WHERE g.phone = i.sender AND g.location_id = ANY(%(mine)s)
                      AND g.vanished_at IS NULL AND g.merged_into_id IS NULL)
            OR EXISTS (SELECT 1 FROM memberships_guest g
                       WHERE g.email = i.sender AND g.location_id = ANY(%(mine)s)
                         AND g.vanished_at IS NULL AND g.merged_into_id IS NULL)))))
FROM outreach_playphase f WHERE f.location_id = ANY(%(mine)s)
"""


def automation_state(user: User) -> AutomationState:
    """What concerns the person's locations: stops, automatic plays, doubts. One query, and one
    more while anything is stopped."""
    mine = set(user.location_ids())
    with connection.cursor() as cursor:
        cursor.execute(_AUTOMATION, {"mine": sorted(mine), "whole": user.all_locations})
        automatic, doubts, held, is_anything_stopped, parked = cursor.fetchone()
    stops = []
    if is_anything_stopped:
        stops = [
            row
            for row in Switch.objects.filter(stopped=True).named().select_related("changed_by")
            if row.scope != Switch.Scope.LOCATION or int(row.key) in mine
        ]
    news = doubts + held
    whole = [row for row in stops if row.scope == Switch.Scope.ALL]
    if whole:
        return AutomationState(True, _("sending stopped"), whole[0].reason, stops, news, parked)
    if stops:
        return AutomationState(True, _("partly stopped"), stops[0].reason, stops, news, parked)
    if automatic:
        detail = ngettext(
            "One play sends by itself within its rules; a person approves the rest.",
            "%(n)d plays send by themselves within their rules; a person approves the rest.",
            automatic,
        ) % {"n": automatic}
        return AutomationState(False, _("partly automatic"), detail, [], news, parked)
    everything = _("Every message is approved by a person.")
    return AutomationState(False, _("drafts only"), everything, [], news, parked)
