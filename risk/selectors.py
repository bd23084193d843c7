"""Readings of scores for pages and jobs."""
