"""What the call list does, by its business verbs."""

from __future__ import annotations

from cancellations.services.calls import hold_call, log_call, put_off_call, release_call, undo_call
from cancellations.services.lists import (
    add_live_bookings,
    ask_call,
    build_call_list,
    record_print,
    settle_calls,
    sweep_calls,
)
from cancellations.services.paper import enter_line
from cancellations.services.policy import change_rules

__all__ = [
    "add_live_bookings",
    "ask_call",
    "build_call_list",
    "change_rules",
    "enter_line",
    "hold_call",
    "log_call",
    "put_off_call",
    "record_print",
    "release_call",
    "settle_calls",
    "sweep_calls",
    "undo_call",
]
