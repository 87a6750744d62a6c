"""Layers that run stripe by stripe: their rows and windows, what chains of them cost, and which run so."""

__all__: list[str] = []
