"""Shows verdicts: as JSON and as a table on a terminal; knows ``core`` only."""
