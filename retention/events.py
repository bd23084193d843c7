"""What retention writes to the ledger, and the sentences staff read."""

from __future__ import annotations

from typing import Final

PLAY_RUN: Final = "play.run"
VIEW_SAVED: Final = "view.saved"
VIEW_DROPPED: Final = "view.dropped"

SENTENCES = {
    PLAY_RUN: "{actor} looked for people for {play} at {location}: {drafted} drafts, "
    "{held_out} left alone for comparison, {skipped} passed over, {withdrawn} withdrawn",
    VIEW_SAVED: "{actor} saved a view of the member list",
    VIEW_DROPPED: "{actor} removed a saved view of the member list",
}
