"""Plays of several steps: who is where, what comes next."""
