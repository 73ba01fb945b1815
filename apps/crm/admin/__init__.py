"""Admin pages of records, their fields and stages, and what is kept about them."""

from apps.crm.admin.logs import ChangeLogAdmin, ImportRunAdmin
from apps.crm.admin.records import RECORD_ADMINS, RecordAdmin
from apps.crm.admin.vocabulary import CustomFieldAdmin, StageAdmin

__all__ = [
    "RECORD_ADMINS",
    "ChangeLogAdmin",
    "CustomFieldAdmin",
    "ImportRunAdmin",
    "RecordAdmin",
    "StageAdmin",
]
