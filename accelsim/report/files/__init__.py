"""Answers as files: formats, traces, and writing that leaves nothing half-written."""
