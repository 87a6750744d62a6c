"""The release of accelsim."""

__version__ = "0.1.0"
"""As `accelsim --version` says it."""
