"""What a guest's answer means: stop, start, yes, no, and what it is about."""
