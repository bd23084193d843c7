"""What this app writes to the ledger, and the sentence staff read on /activity/."""

from __future__ import annotations

DRAFT_CREATED = "draft.created"
DRAFT_WORDED = "draft.worded"
DRAFT_KEPT_LIBRARY = "draft.kept_library_text"
DRAFT_EDITED = "draft.edited"
DRAFT_APPROVED = "draft.approved"
DRAFT_APPROVED_BY_RULE = "draft.approved_by_rule"
DRAFT_RECALLED = "draft.recalled"
DRAFT_REJECTED = "draft.rejected"
DRAFT_SNOOZED = "draft.snoozed"
DRAFT_UNDONE = "draft.undone"
DRAFT_EXPIRED = "draft.expired"
DRAFT_WITHDRAWN = "draft.withdrawn"
GUEST_HELD_OUT = "guest.held_out"
MESSAGE_BEGUN = "message.begun"
MESSAGE_HELD_BACK = "message.held_back"
MESSAGE_SENT = "message.sent"
MESSAGE_REFUSED = "message.refused"
MESSAGE_POSTPONED = "message.postponed"
MESSAGE_UNKNOWN = "message.unknown"
MESSAGE_LOST = "message.lost"
MESSAGE_UNCERTAIN = "message.uncertain"
MESSAGE_DEAD = "message.given_up"
MESSAGE_CANCELLED = "message.cancelled"
MESSAGE_SETTLED = "message.settled"
MESSAGE_RECEIPT = "message.receipt"
MESSAGE_RETRIED = "message.retried"
MESSAGE_DELIVERED = "message.delivered"
MESSAGE_UNDELIVERED = "message.undelivered"
MESSAGE_CONFIRMATION = "message.confirmation"
MESSAGE_HELP = "message.help"
MESSAGE_ANSWER = "message.answer"
REPLY_RECEIVED = "reply.received"
DELIVERY_READ_AGAIN = "delivery.read_again"
DELIVERY_READ_BY_EYE = "delivery.read_by_eye"
DELIVERY_PUT_ASIDE = "delivery.put_aside"
REPLY_ANSWERED = "reply.answered"
ANSWER_UNDONE = "answer.undone"
THREAD_READ = "thread.read"
THREAD_NAMED = "thread.named"
SUPPRESSION_ADDED = "suppression.added"
SUPPRESSION_LIFTED = "suppression.lifted"
SUPPRESSION_WIDENED = "suppression.widened"
SENDING_STOPPED = "switch.stopped"
SENDING_RESUMED = "switch.resumed"
POLICY_CHANGED = "policy.changed"
AUTHORISATION_RECORDED = "authorisation.recorded"
AUTHORISATION_ENDED = "authorisation.ended"
HOURS_SET = "hours.set"
HOURS_ENDED = "hours.ended"
WORDING_CHANGED = "wording.changed"
OFFER_PROPOSED = "offer.proposed"
OFFER_APPROVED = "offer.approved"
OFFER_RETIRED = "offer.retired"
TEST_ASKED = "test.asked"
TEST_ANSWERED = "test.answered"
TEMPLATE_PROPOSED = "template.proposed"
TEMPLATE_APPROVED = "template.approved"
TEMPLATE_RETIRED = "template.retired"
PHASE_RAISED = "phase.raised"
PHASE_LOWERED = "phase.lowered"
PHASE_DOUBT_SEEN = "phase.doubt_seen"
BREAKER_OPENED = "breaker.opened"
BREAKER_TRIES = "breaker.tries"
BREAKER_CLOSED = "breaker.closed"
BREAKER_TOLD = "breaker.told"
RULE_SET = "rule.set"
RULE_REMOVED = "rule.removed"
LIBRARY_SEEDED = "library.seeded"
SEQUENCE_BEGUN = "sequence.begun"
SEQUENCE_CALL = "sequence.call"
SEQUENCE_PASSED = "sequence.passed"
SEQUENCE_FINISHED = "sequence.finished"
SEQUENCE_LEFT = "sequence.left"
SEQUENCE_PAUSED = "sequence.paused"
SEQUENCE_RESUMED = "sequence.resumed"
STEPS_CHANGED = "sequence.steps_changed"

SENTENCES = {
    DRAFT_CREATED: "{actor} drafted a message to {guest}",
    DRAFT_WORDED: "A machine worded the draft for {guest}",
    DRAFT_KEPT_LIBRARY: "The draft for {guest} keeps the library's text: {reason}",
    DRAFT_EDITED: "{actor} changed the text for {guest}",
    DRAFT_APPROVED: "{actor} approved the message to {guest}",
    DRAFT_APPROVED_BY_RULE: "{actor} approved the message to {guest} by the rule {rule}",
    DRAFT_RECALLED: "{actor} took the message to {guest} back for a person to decide: {reason}",
    DRAFT_REJECTED: "{actor} rejected the draft for {guest}: {reason}",
    DRAFT_SNOOZED: "{actor} put off the draft for {guest} until {until}",
    DRAFT_UNDONE: "{actor} took back the decision about {guest}",
    DRAFT_EXPIRED: "The draft for {guest} expired undecided",
    DRAFT_WITHDRAWN: "{actor} withdrew the draft for {guest}: {reason}",
    GUEST_HELD_OUT: "{guest} is in the comparison group of {play} and was left alone",
    MESSAGE_BEGUN: "{actor} handed the message to {guest} to the carrier, try {attempt}",
    MESSAGE_HELD_BACK: "Try {attempt} of the message to {guest} was called off before the call",
    MESSAGE_SENT: "The message to {guest} left",
    MESSAGE_REFUSED: "The message to {guest} was refused: {error}",
    MESSAGE_POSTPONED: "The message to {guest} is tried again at {due_at}",
    MESSAGE_UNKNOWN: "The carrier gave no clear answer about the message to {guest}",
    MESSAGE_LOST: "Try {attempt} of the message to {guest} was cut off: the carrier will be asked",
    MESSAGE_UNCERTAIN: "Nobody knows whether the message to {guest} left: a person must look",
    MESSAGE_DEAD: "The message to {guest} was given up after {attempt} tries",
    MESSAGE_CANCELLED: "{actor} cancelled the message to {guest}",
    MESSAGE_SETTLED: "{actor} settled the uncertain message to {guest}: {verdict}",
    MESSAGE_RECEIPT: "The carrier's receipt shows that the message to {guest} left",
    MESSAGE_RETRIED: "{actor} queued the message to {guest} once more",
    MESSAGE_DELIVERED: "The message to {guest} arrived",
    MESSAGE_UNDELIVERED: "The message to {guest} did not arrive: {error}",
    MESSAGE_HELP: "{actor} queued the answer to HELP for {guest}",
    MESSAGE_CONFIRMATION: "{actor} queued the one confirmation of the stop to {guest}",
    MESSAGE_ANSWER: "{actor} answered {guest}",
    REPLY_RECEIVED: "{guest} answered: {intent}",
    DELIVERY_READ_AGAIN: "{actor} had an unread delivery read again: {what}",
    DELIVERY_READ_BY_EYE: "{actor} read by eye what {guest} wrote",
    DELIVERY_PUT_ASIDE: "{actor} put an unread delivery aside: {what}",
    REPLY_ANSWERED: "{actor} marked the answer of {guest} as dealt with",
    ANSWER_UNDONE: "{actor} took back the answer to {guest}",
    THREAD_READ: "{actor} read what {guest} wrote",
    THREAD_NAMED: "{actor} said that it was {guest} who wrote",
    SUPPRESSION_ADDED: "{actor} stopped {channel} to {guest}: {reason}",
    SUPPRESSION_WIDENED: "{actor} stopped every {channel} to {guest}: {reason}",
    SUPPRESSION_LIFTED: "{actor} allowed {channel} to {guest} again: {reason}",
    SENDING_STOPPED: "{actor} stopped sending ({what}): {reason}",
    SENDING_RESUMED: "{actor} resumed sending ({what}): {reason}",
    PHASE_RAISED: "{actor} moved {play} up to {new}: {reason}",
    PHASE_LOWERED: "{actor} moved {play} down to {new}: {reason}",
    PHASE_DOUBT_SEEN: "{actor} has seen why {play} went down: {reason}",
    BREAKER_OPENED: "{actor} held automatic messages, {signal}: {reason}",
    BREAKER_TRIES: "{actor} lets a few automatic messages through to try ({signal})",
    BREAKER_TOLD: "{actor} told staff by e-mail about held messages: {state}",
    BREAKER_CLOSED: "{actor} let automatic messages go on ({signal}): {reason}",
    RULE_SET: "{actor} set the rule {rule} of {play}",
    RULE_REMOVED: "{actor} removed the rule {rule} of {play}",
    POLICY_CHANGED: "{actor} changed the rules for writing to guests: {changes}",
    AUTHORISATION_RECORDED: "{actor} recorded that {guest} authorised offers others pay for",
    AUTHORISATION_ENDED: "{actor} recorded that {guest} took the authorisation back",
    HOURS_SET: "{actor} set the calling hours of {place}: {hours}",
    HOURS_ENDED: "{actor} put the calling hours of {place} out of force: {hours}",
    WORDING_CHANGED: "{actor} said who words the texts of {play}: {wording}",
    OFFER_PROPOSED: "{actor} proposed the offer {target}",
    OFFER_APPROVED: "{actor} approved the offer {target}",
    OFFER_RETIRED: "{actor} retired the offer {target}",
    TEST_ASKED: "{actor} sent the text {target} to themselves as a test",
    TEST_ANSWERED: "The carrier answered about a test of {target}: {state}",
    TEMPLATE_PROPOSED: "{actor} proposed the text {target}",
    TEMPLATE_APPROVED: "{actor} approved the text {target}",
    TEMPLATE_RETIRED: "{actor} retired the text {target}",
    LIBRARY_SEEDED: "{actor} laid out the library: {offers} offers, {templates} texts",
    SEQUENCE_BEGUN: "{guest} began the sequence {play}",
    SEQUENCE_CALL: "Step {step} of {play} asks the desk to call {guest}",
    SEQUENCE_PASSED: "Step {step} of {play} was passed over for {guest}: {why}",
    SEQUENCE_FINISHED: "{guest} went through the sequence {play} to its end",
    SEQUENCE_LEFT: "{guest} left the sequence {play} after step {step}: {why}",
    SEQUENCE_PAUSED: "{actor} paused the sequence {play} ({count})",
    SEQUENCE_RESUMED: "{actor} let the sequence {play} go on ({count})",
    STEPS_CHANGED: "{actor} changed the steps of {play}: {steps}",
}
