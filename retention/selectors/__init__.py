"""Readings for the pages of retention, one module per page."""
