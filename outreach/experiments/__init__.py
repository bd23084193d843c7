"""Against those left alone: who they are, and what the difference is."""
