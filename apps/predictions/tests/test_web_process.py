"""The web process never loads numerical libraries."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

PROGRAM = """
import sys
from importlib import import_module
from pkgutil import walk_packages

import aisha.asgi
from django.urls import get_resolver

for urlconf in ("aisha.urls_tenant", "aisha.urls_public"):
    get_resolver(urlconf).url_patterns
import apps.predictions
for folder in ("views", "templatetags"):
    package = import_module(f"apps.predictions.{folder}")
    for module in walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)
print(sorted({"numpy", "scipy", "sklearn", "lightgbm"} & set(sys.modules)))
"""


def test_no_page_loads_numerical_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "aisha.settings"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stderr
