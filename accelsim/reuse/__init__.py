"""What one run found out, kept for the next: in memory, within a budget of bytes, and in files."""
