"""Every table of the product: fenced in by location (audit/fence.py), or left out with a reason.

The fence stands in the migrations; this list is what a test and `manage.py doctor` hold it to.
"""

from __future__ import annotations

FENCED = frozenset({
    "cancellations_call",
    "cancellations_calltry",
    "memberships_appointment",
    "memberships_charge",
    "memberships_guest",
    "memberships_guestday",
    "memberships_membership",
    "memberships_review",
    "memberships_waitlistentry",
    "outreach_calltask",
    "outreach_draft",
    "outreach_message",
    "outreach_reply",
    "outreach_run",
    "outreach_shadowdraft",
    "outreach_thread",
    "platforms_outboxitem",
    "retention_memberrow",
    "risk_bookingscore",
    "risk_churnscore",
})  # fmt: skip

_COUNTS = "counts and states of a place or play; nothing in it is about one guest"
_CATALOGUE = "the catalogue of the business, the same for everybody"
_RULES = "the business's own texts, rules and models; no guest in it"
_SHARED = "a stop holds for everybody who shares the address or number, at every location"
_REACHED = "numbers under the key of a row that is fenced; no name, address or text"
_UNREAD = "stored as it came: nobody knows yet which location it is about; outreach/parked.py asks"
_LEDGER = "numbers and words for staff, no name, address or text; proved as one chain"
_PEOPLE = "people of the staff, asked for before anybody knows who is looking"
_MACHINE = "the machine's own bookkeeping"

LEFT_OUT = {
    "audit_clockshift": _MACHINE,
    "audit_jobrun": _MACHINE,
    "audit_ledgercheckpoint": _LEDGER,
    "audit_ledgerentry": _LEDGER,
    "audit_ledgerhead": _LEDGER,
    "audit_listlook": _LEDGER,
    "audit_look": _LEDGER,
    "audit_notedhead": _LEDGER,
    "cancellations_calllist": _COUNTS,
    "cancellations_callrules": _RULES,
    "cancellations_phoneflag": _SHARED,
    "memberships_benefit": _REACHED,
    "memberships_location": _CATALOGUE,
    "memberships_locationday": _COUNTS,
    "memberships_plan": _CATALOGUE,
    "memberships_service": _CATALOGUE,
    "memberships_synccursor": _MACHINE,
    "memberships_therapist": _CATALOGUE,
    "outreach_authorisation": "a day and where the form is, under the key of a guest; asked for by "
    "the gate at every location",
    "outreach_automaticrule": _RULES,
    "outreach_breaker": _COUNTS,
    "outreach_breakerprobe": _REACHED,
    "outreach_callinghours": _RULES,
    "outreach_cap": _RULES,
    "outreach_contact": "when a guest was last written to, by anybody: the hold period is one for "
    "all locations",
    "outreach_experimenttally": _COUNTS,
    "outreach_holdout": "the arm of a guest's key, the same at every location",
    "outreach_offer": _RULES,
    "outreach_outreachpolicy": _RULES,
    "outreach_phasechange": _COUNTS,
    "outreach_play": _RULES,
    "outreach_playphase": _COUNTS,
    "outreach_playtally": _COUNTS,
    "outreach_refusal": "what an author is told; asked for by author, who may have moved",
    "outreach_sendingcount": _COUNTS,
    "outreach_step": _RULES,
    "outreach_suppression": _SHARED,
    "outreach_switch": _RULES,
    "outreach_template": _RULES,
    "outreach_trialsend": "tests that staff sent to themselves",
    "platforms_deadletter": _UNREAD,
    "platforms_entityhint": _MACHINE,
    "platforms_inboxdelivery": _UNREAD,
    "platforms_ratebudget": _MACHINE,
    "retention_atriskday": _COUNTS,
    "retention_membertally": _COUNTS,
    "retention_savedview": _RULES,
    "risk_bandthreshold": _RULES,
    "risk_bookingscoreday": _REACHED,
    "risk_churnscoreday": _REACHED,
    "risk_driftalarm": _COUNTS,
    "risk_inputexclusion": "which facts are left out of the scores of a guest's key",
    "risk_modelreference": _RULES,
    "risk_modelversion": _RULES,
    "risk_outcomeday": _COUNTS,
    "risk_outcomegroup": _COUNTS,
    "risk_outcomemonth": _COUNTS,
    "risk_scoringday": _COUNTS,
    "risk_upliftestimate": _COUNTS,
    "staff_user": _PEOPLE,
    "staff_user_locations": _PEOPLE,
}
