"""The release of accelsim."""

__version__ = "0.1.0"
