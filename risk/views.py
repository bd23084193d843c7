"""Pages of the risk app."""
