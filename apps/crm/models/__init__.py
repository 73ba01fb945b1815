"""The records of the CRM and what is kept about them."""

from apps.crm.models.activities import Activity, Task
from apps.crm.models.companies import Account, Contract, Product
from apps.crm.models.deals import Opportunity, Stage
from apps.crm.models.drafts import Draft
from apps.crm.models.history import ChangeLog
from apps.crm.models.imports import ImportRun
from apps.crm.models.people import Contact, Lead
from apps.crm.models.records import CustomField, MergeableRecord, Record

__all__ = [
    "Account",
    "Activity",
    "ChangeLog",
    "Contact",
    "Contract",
    "CustomField",
    "Draft",
    "ImportRun",
    "Lead",
    "MergeableRecord",
    "Opportunity",
    "Product",
    "Record",
    "Stage",
    "Task",
]
