"""Pages of outreach: review, outgoing, answers, the library and its rules."""
