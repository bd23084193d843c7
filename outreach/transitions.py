"""Which state may follow which. A state that is not a key is final."""

from __future__ import annotations

from outreach.models import Draft, LibraryStatus, Phase

DRAFT: dict[Draft.Status, set[Draft.Status]] = {
    Draft.Status.PENDING: {
        Draft.Status.APPROVED,
        Draft.Status.REJECTED,
        Draft.Status.EXPIRED,
        Draft.Status.WITHDRAWN,
    },
    # Undo: while the message waits in Outgoing, or while a rejection is still fresh.
    Draft.Status.APPROVED: {Draft.Status.PENDING, Draft.Status.WITHDRAWN},
    Draft.Status.REJECTED: {Draft.Status.PENDING},
}

LIBRARY: dict[LibraryStatus, set[LibraryStatus]] = {
    LibraryStatus.PROPOSED: {LibraryStatus.ACTIVE, LibraryStatus.RETIRED},
    LibraryStatus.ACTIVE: {LibraryStatus.RETIRED},
    LibraryStatus.RETIRED: {LibraryStatus.ACTIVE},
}

# From the one that only looks on to the one that acts. Up is a person's act, down anybody's.
PHASE_ORDER = [Phase.REPORT, Phase.REVIEW, Phase.AUTOMATIC]


def may_become(old: Draft.Status | str, new: Draft.Status | str) -> bool:
    """Whether a draft may go from `old` to `new`."""
    return Draft.Status(new) in DRAFT.get(Draft.Status(old), set())


def library_may_become(old: LibraryStatus | str, new: LibraryStatus | str) -> bool:
    """Whether an offer or template may go from `old` to `new`."""
    return LibraryStatus(new) in LIBRARY.get(LibraryStatus(old), set())
