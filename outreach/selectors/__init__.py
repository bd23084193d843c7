"""Readings for pages and for the apps above, by subject."""

from outreach.selectors.guests import Line, contact_allowed, conversation, delivery_words
from outreach.selectors.head import AutomationState, automation_state
from outreach.selectors.outgoing_page import (
    VIEWS,
    Outgoing,
    OutgoingRow,
    many,
    outgoing,
    outgoing_rows,
)
from outreach.selectors.review import (
    QUEUE_LENGTH,
    WITH_ALL,
    Card,
    Queue,
    came_back,
    cards,
    decided_lately,
    open_drafts,
    queue,
)

__all__ = [
    "QUEUE_LENGTH",
    "VIEWS",
    "WITH_ALL",
    "AutomationState",
    "Card",
    "Line",
    "Outgoing",
    "OutgoingRow",
    "Queue",
    "automation_state",
    "came_back",
    "cards",
    "contact_allowed",
    "conversation",
    "decided_lately",
    "delivery_words",
    "many",
    "open_drafts",
    "outgoing",
    "outgoing_rows",
    "queue",
]
