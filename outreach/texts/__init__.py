"""What a text is made of, and what it may not say."""
