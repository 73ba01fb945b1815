"""The Celery application: tasks carry the tenant's schema in a header and run inside it."""

from __future__ import annotations

import os

from tenant_schemas_celery.app import CeleryApp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aisha.settings")

app = CeleryApp("aisha")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
