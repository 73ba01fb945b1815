from django.db import migrations, models

# What is stored of the calls of the last days tells it of them; of older ones nobody knows it any more.
READ_FROM_EVENTS = """
    UPDATE realtime_session AS s
    SET origins = told.origins
    FROM (
        SELECT session_id, jsonb_agg(DISTINCT origin ORDER BY origin) AS origins
        FROM realtime_telemetryevent
        WHERE turn IS NOT NULL AND origin IN ('realtime', 'typed')
        GROUP BY session_id
    ) AS told
    WHERE told.session_id = s.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("realtime", "0002_days_of_sessions"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="origins",
            field=models.JSONField(
                default=list,
                help_text="How the person has said something in it: typed, spoken, or both.",
            ),
        ),
        migrations.RunSQL(READ_FROM_EVENTS, migrations.RunSQL.noop),
    ]
