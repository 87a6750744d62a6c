"""Numbers, words and tables of plain text: what all of the report writes with."""
