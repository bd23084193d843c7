"""The simulated business: people with habits, their bookings and memberships, day by day."""
