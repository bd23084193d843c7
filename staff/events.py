"""What is written about people into the ledger."""

from __future__ import annotations

SIGNED_IN = "person.signed_in"
PASSWORD_SET = "person.password_set"  # noqa: S105
LINK_MADE = "person.link_made"
ADDED = "person.added"
CHANGED = "person.changed"
SECOND_FACTOR_SET_UP = "person.second_factor_set_up"
SECOND_FACTOR_REMOVED = "person.second_factor_removed"

SENTENCES = {
    SIGNED_IN: "{actor} signed in.",
    PASSWORD_SET: "{actor} chose a password.",
    LINK_MADE: "{actor} made a link for {target} to choose a password.",
    ADDED: "{actor} added {target} as {role}.",
    CHANGED: "{actor} changed {target}: {changes}.",
    SECOND_FACTOR_SET_UP: "{actor} set up a second factor.",
    SECOND_FACTOR_REMOVED: "{actor} removed the second factor of {target}.",
}
