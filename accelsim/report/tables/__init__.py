"""What the console shows: one file for each kind of answer."""
