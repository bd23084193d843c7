"""Drafts: from a play's candidates to offer, text and evidence."""
