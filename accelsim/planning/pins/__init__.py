"""Weights that stay on chip from one inference to the next: whose, and why not others'."""

__all__: list[str] = []
