"""Fixtures for the tests of the stand-ins."""

from __future__ import annotations

from stubs.openai_server.testing import stand_in as stand_in
from stubs.openai_server.testing import stand_in_process as stand_in_process
