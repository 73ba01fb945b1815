"""The pages of every kind of record, declared."""

from apps.crm.enums import RecordKind
from apps.crm.layouts.activities import ACTIVITY, TASK
from apps.crm.layouts.companies import ACCOUNT, CONTRACT, PRODUCT
from apps.crm.layouts.deals import OPPORTUNITY
from apps.crm.layouts.drafts import DRAFT
from apps.crm.layouts.people import CONTACT, LEAD
from apps.crm.layouts.schemas import Column, Layout, Related

LAYOUTS: dict[RecordKind, Layout] = {
    layout.kind: layout
    for layout in (LEAD, CONTACT, ACCOUNT, OPPORTUNITY, ACTIVITY, TASK, CONTRACT, PRODUCT, DRAFT)
}

__all__ = ["LAYOUTS", "Column", "Layout", "Related"]
