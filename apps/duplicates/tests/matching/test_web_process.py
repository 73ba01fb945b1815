"""One pair is compared without numerical libraries."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings

PROGRAM = """
import sys
from apps.duplicates.matching import documents, explaining, keys, values
from apps.duplicates.matching.fields import Field

heavy = {"numpy", "scipy", "rapidfuzz", "phonenumbers", "django"}
print(sorted(heavy & set(sys.modules)))
row = {Field.GIVEN_NAME: "Ada", Field.PHONE: "044 668 18 00"}
other = {Field.GIVEN_NAME: "Adam", Field.PHONE: "044 668 18 01"}
explaining.compare(documents.default_document(10, "CH"), row, other)
keys.keys_of(values.comparable(row, "CH"))
print(sorted(heavy & set(sys.modules)))
"""


def test_comparing_loads_its_libraries_late_and_never_numpy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == ["[]", "['phonenumbers', 'rapidfuzz']"], done.stderr
