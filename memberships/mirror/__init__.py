"""Writing the mirror: records of the platform into tables, a page at a time, set-based.

A page is copied into a temporary table and merged by one statement per table. A row is written
only where something in it differs, so that a second run changes nothing, and only where the
mirror's row was not asked for later, so that an older answer never replaces a newer one.
"""
