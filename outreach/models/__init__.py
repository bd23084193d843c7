"""The tables of outreach, by subject."""

from outreach.models.authorisations import Authorisation
from outreach.models.autonomy import AutomaticRule, PhaseChange, PlayPhase, ShadowDraft
from outreach.models.breakers import Breaker, BreakerProbe, SendingCount
from outreach.models.drafts import Draft, DraftQuerySet
from outreach.models.hours import CallingHours
from outreach.models.library import (
    Channel,
    LibraryStatus,
    Offer,
    Phase,
    Play,
    Template,
    Topic,
)
from outreach.models.limits import Cap, Holdout, OutreachPolicy, Suppression, Switch
from outreach.models.messages import Contact, Message, Reply
from outreach.models.refusals import Refusal
from outreach.models.sequences import CallTask, Leave, Run, Step
from outreach.models.tallies import ExperimentTally, PlayTally
from outreach.models.threads import Thread
from outreach.models.trials import TrialSend

__all__ = [
    "Authorisation",
    "AutomaticRule",
    "Breaker",
    "BreakerProbe",
    "CallTask",
    "CallingHours",
    "Cap",
    "Channel",
    "Contact",
    "Draft",
    "DraftQuerySet",
    "ExperimentTally",
    "Holdout",
    "Leave",
    "LibraryStatus",
    "Message",
    "Offer",
    "OutreachPolicy",
    "Phase",
    "PhaseChange",
    "Play",
    "PlayPhase",
    "PlayTally",
    "Refusal",
    "Reply",
    "Run",
    "SendingCount",
    "ShadowDraft",
    "Step",
    "Suppression",
    "Switch",
    "Template",
    "Thread",
    "Topic",
    "TrialSend",
]
