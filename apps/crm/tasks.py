"""The app's tasks, where Celery looks for them."""

from apps.crm.importing.tasks import (
    remove_all_old_import_files,
    remove_old_import_files,
    run_import,
)

__all__ = ["remove_all_old_import_files", "remove_old_import_files", "run_import"]
