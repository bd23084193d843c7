"""The call to the carrier, when to make it, and why one has not been made."""
