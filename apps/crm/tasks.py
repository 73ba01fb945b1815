"""The app's tasks, where Celery looks for them."""

from apps.crm.importing.tasks import run_import

__all__ = ["run_import"]
