"""Zenoti's wire format: paths, shapes, error bodies and limits as its users meet them."""
