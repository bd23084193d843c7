"""What every web server of Tenure has in common; the rest is in the command line of each."""

# A synchronous worker is ended when one answer takes longer. The export of a large ledger as CSV
# streams for minutes; statements have a limit of 30 seconds in the database,
# and outside calls are not made here.
timeout = 600
