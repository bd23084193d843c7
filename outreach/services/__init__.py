"""What staff and machine do with drafts and messages: each verb is one transaction with its ledger
entry last."""

from outreach.services.answers import (
    deal_with_thread,
    name_writer,
    open_thread,
    release_thread,
    send_answer,
    take_back_answer,
)
from outreach.services.authorisations import end_authorisation, record_authorisation
from outreach.services.automatic import ForAPerson, approve_by_rule, approve_by_rules
from outreach.services.decisions import (
    approve_as_is,
    approve_draft,
    cancel_message,
    edit_draft,
    reject_draft,
    snooze_draft,
    undo_decision,
)
from outreach.services.hours import end_hours, set_hours
from outreach.services.messages import retry_all, retry_message, settle_uncertain
from outreach.services.phases import (
    lower_doubtful,
    lower_phase,
    raise_phase,
    recall_waiting,
    remove_rule,
    see_doubt,
    set_rule,
)
from outreach.services.queue import queue_message
from outreach.services.refusals import mark_refusals_read
from outreach.services.sequences import (
    call_made,
    end_run,
    leave_runs,
    pause_run,
    pause_runs,
    resume_run,
    resume_runs,
)
from outreach.services.stops import lift_suppression, resume_sending, stop_sending, suppress
from outreach.services.trials import dispatch_trials, send_test
from outreach.services.upkeep import (
    expire_drafts,
    lock_open_drafts,
    recall_aged,
    recheck_drafts,
    wake_snoozed,
    withdraw_drafts,
)
from outreach.services.wording import word_drafts

__all__ = [
    "ForAPerson",
    "approve_as_is",
    "approve_by_rule",
    "approve_by_rules",
    "approve_draft",
    "call_made",
    "cancel_message",
    "deal_with_thread",
    "dispatch_trials",
    "edit_draft",
    "end_authorisation",
    "end_hours",
    "end_run",
    "expire_drafts",
    "leave_runs",
    "lift_suppression",
    "lock_open_drafts",
    "lower_doubtful",
    "lower_phase",
    "mark_refusals_read",
    "name_writer",
    "open_thread",
    "pause_run",
    "pause_runs",
    "queue_message",
    "raise_phase",
    "recall_aged",
    "recall_waiting",
    "recheck_drafts",
    "record_authorisation",
    "reject_draft",
    "release_thread",
    "remove_rule",
    "resume_run",
    "resume_runs",
    "resume_sending",
    "retry_all",
    "retry_message",
    "see_doubt",
    "send_answer",
    "send_test",
    "set_hours",
    "set_rule",
    "settle_uncertain",
    "snooze_draft",
    "stop_sending",
    "suppress",
    "take_back_answer",
    "undo_decision",
    "wake_snoozed",
    "withdraw_drafts",
    "word_drafts",
]
