"""The tables of outreach, by subject."""

from outreach.models.drafts import Draft, DraftQuerySet
from outreach.models.library import Channel, LibraryStatus, Offer, Phase, Play, PlayPhase, Template
from outreach.models.limits import Cap, Holdout, OutreachPolicy, Suppression, Switch
from outreach.models.messages import Contact, Message, Reply

__all__ = [
    "Cap",
    "Channel",
    "Contact",
    "Draft",
    "DraftQuerySet",
    "Holdout",
    "LibraryStatus",
    "Message",
    "Offer",
    "OutreachPolicy",
    "Phase",
    "Play",
    "PlayPhase",
    "Reply",
    "Suppression",
    "Switch",
    "Template",
]
