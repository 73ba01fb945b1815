"""Asking a trigger what it would have said on the days behind us, from the records' history."""
