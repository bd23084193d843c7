"""Whether a message may leave at this very moment."""
