"""What staff write back: suggestions from the library, and what an answer may say."""
