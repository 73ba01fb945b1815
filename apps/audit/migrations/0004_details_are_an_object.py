from django.db import migrations

FORWARD = """
ALTER TABLE audit_auditentry ADD CONSTRAINT audit_details_are_an_object
    CHECK (jsonb_typeof(details) = 'object');
"""
BACKWARD = "ALTER TABLE audit_auditentry DROP CONSTRAINT audit_details_are_an_object;"


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_lifted_silences")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
