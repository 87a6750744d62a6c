"""Embedded-accelerator simulator."""
