from collections.abc import Callable

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TRIGGER = "followup_missing"
MOST_WORKING_DAYS = 30


def rename(before: str, after: str) -> Callable[[Apps, BaseDatabaseSchemaEditor], None]:
    """Let a tenant's own choice stand under the parameter's new name, within its bounds."""

    def move(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        settings = apps.get_model("triggers", "TriggerSetting").objects.filter(trigger=TRIGGER)
        for setting in settings.filter(parameters__has_key=before):
            days = setting.parameters.pop(before)
            setting.parameters[after] = min(days, MOST_WORKING_DAYS)
            setting.save(update_fields=["parameters"])

    return move


class Migration(migrations.Migration):
    dependencies = [
        ("triggers", "0007_replay_runs"),
    ]

    operations = [
        migrations.RunPython(
            rename("grace_days", "grace_working_days"),
            rename("grace_working_days", "grace_days"),
        ),
    ]
