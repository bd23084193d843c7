"""Whether the scores can be trusted: what nights looked like (watch), what came true (outcomes),
what that means in words (words), and the figures and charts of the page (figures, charts)."""
