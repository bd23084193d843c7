"""What this app writes to the ledger, with the sentence shown on the activity page.

Notes, numbers and names of guests stay out of the ledger; a call names its row and outcome.
"""

from __future__ import annotations

LIST_BUILT = "call_list.built"
LIST_PRINTED = "call_list.printed"
CALL_ASKED = "call.asked"
CALL_ADDED = "call.added"
CALL_OPENED = "call.opened"
CALL_LOGGED = "call.logged"
CALL_UNDONE = "call.undone"
CALL_PUT_OFF = "call.put_off"
CALL_SETTLED = "call.settled"
PHONE_FLAGGED = "phone.flagged"
PHONE_UNFLAGGED = "phone.unflagged"
RULES_CHANGED = "call_rules.changed"

SENTENCES = {
    LIST_BUILT: "{actor} built the call list of {location} for {on}: {added} rows added",
    LIST_PRINTED: "{actor} printed the call list of {location} for {on}: {rows} rows",
    CALL_ASKED: "{actor} asked for a call to {guest}",
    CALL_ADDED: "{actor} added {guest} to the list of {on}: the booking turned very shaky",
    CALL_OPENED: "{actor} opened the call to {guest}",
    CALL_LOGGED: "{actor} called {guest}: {outcome}",
    CALL_UNDONE: "{actor} took back the call to {guest}: {outcome}",
    CALL_PUT_OFF: "{actor} moved the call to {guest} to later",
    CALL_SETTLED: "{actor} closed the call to {guest}: {why}",
    PHONE_FLAGGED: "{actor} marked the number of {guest}: {kind}",
    PHONE_UNFLAGGED: "{actor} took back the mark on the number of {guest}: {kind}",
    RULES_CHANGED: "{actor} changed the rules of the call lists: {changed}",
}
