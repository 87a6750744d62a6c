"""Names beside points: where they go so that they can be read."""
