"""Figures: one file a figure, each with the values that it shows."""
