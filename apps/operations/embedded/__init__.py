"""Embedded PostgreSQL and Valkey: the default servers of a bare machine.

``python -m apps.operations.embedded run -- COMMAND`` starts both servers (or joins
those already running for the same AISHA_HOME), exports their addresses, runs COMMAND,
and stops what nobody uses any more. The addresses it exports:

- ``DATABASE_URL``: ``postgresql://aisha_app@/aisha?host=/tmp/aisha-x1y2z3/postgres&port=5432``,
  the run-time login ``aisha_app``, which owns nothing;
- ``DATABASE_OWNER_URL``: the same as ``aisha_owner``, which owns the database ``aisha``
  and may create databases and roles;
- ``REDIS_URL``: ``unix:///tmp/aisha-x1y2z3/valkey/valkey.sock``. Celery wants the same
  path as ``redis+socket:///tmp/...``, channels and redis-py take it as it is.

A variable that is set already wins, and its server is not started.

Nothing here may import Django: these modules run before settings can be read.
"""
