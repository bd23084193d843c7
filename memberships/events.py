"""What the mirror writes to the ledger."""

from __future__ import annotations

SYNC_FINISHED = "sync.finished"
SYNC_ASKED = "sync.asked"

SENTENCES = {
    SYNC_FINISHED: "{actor} read {rows} rows from the platform; {changed} were new or changed",
    SYNC_ASKED: "{actor} asked for a sync now",
}
