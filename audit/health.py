"""A quick look whether the ledger is in order, for those who act by themselves. The whole proof is
audit/verification.py; this asks a handful of rows and finds what stopped or was cut off."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from audit import checkpoints

# Checkpoints are made every five minutes: after an hour something has stopped.
UNFIXED_FOR = timedelta(hours=1)

_ENDS = """
SELECT min(next.at) FILTER (WHERE h.seq > coalesce(n.seq, 0)),
    count(*) FILTER (WHERE h.seq > 0 AND last.hash IS DISTINCT FROM h.hash),
    count(*) FILTER (WHERE n.chain IS NOT NULL AND fixed.hash IS DISTINCT FROM n.hash)
FROM audit_ledgerhead h
FULL JOIN audit_notedhead n ON n.chain = h.chain
LEFT JOIN audit_ledgerentry next
    ON next.chain = h.chain AND next.seq = coalesce(n.seq, 0) + 1
LEFT JOIN audit_ledgerentry last ON last.chain = h.chain AND last.seq = h.seq
LEFT JOIN audit_ledgerentry fixed ON fixed.chain = n.chain AND fixed.seq = n.seq
"""


def fault(*, now: datetime) -> str:
    """What is wrong with the ledger, as a sentence; empty when nothing is seen. Two queries, three
    rows a chain."""
    try:
        checkpoints.check()
    except checkpoints.Behind:
        return "The ledger does not agree with what was exported of it"
    with connection.cursor() as cursor:
        cursor.execute(_ENDS)
        unfixed_since, broken, moved = cursor.fetchone()
    if broken or moved:
        return "The ledger is not as it was written"
    if unfixed_since is not None and unfixed_since < now - UNFIXED_FOR:
        return "The ledger has not been fixed by a checkpoint for over an hour"
    return ""
