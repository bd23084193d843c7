"""What comes back: answers of guests and receipts of carriers, taken in and listed."""
