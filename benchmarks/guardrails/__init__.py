"""Whether the guardrails hold when everybody pushes at once (`make prove`)."""
