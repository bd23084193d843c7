"""Pages of the call list and of the bookings."""
