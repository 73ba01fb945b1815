"""Which rows of a table are about the same person or company: no Django, no database."""
