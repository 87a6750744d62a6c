"""The report page: runs as one HTML file that needs nothing else; values.py says what, html.py how."""
