"""A pytest plugin, loaded by ``pytest.ini`` before the settings: tests run in the test environment.

The test database is made by the owner account; ``apps/conftest.py`` then goes on as the run-time login, so
that a missing grant fails a test.
"""

import os

os.environ["AISHA_ENV"] = "test"
os.environ["AISHA_DATABASE_ACCOUNT"] = "owner"
os.environ.setdefault("LOG_LEVEL", "WARNING")
os.environ.setdefault("LOG_FORMAT", "plain")
