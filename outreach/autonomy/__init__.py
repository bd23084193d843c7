"""How far a play acts by itself: what it would have done, rules, evidence, doubt."""
