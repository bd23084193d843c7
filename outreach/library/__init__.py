"""Offers, texts and plays: how they are laid out and looked after."""
