"""The seeded process behind the demo: people with habits, and what comes of them.

Nothing here reads the parameters of triggers or imports ``apps.triggers``: what the scan finds in the
result is found, not planted. A test holds that.
"""
