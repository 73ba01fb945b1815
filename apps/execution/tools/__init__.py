"""The tools: each a named, typed change that may be proposed."""

from apps.execution.tools.accounts import UpdateAccount
from apps.execution.tools.activities import LogActivity
from apps.execution.tools.base import Tool, ToolArguments, ToolRegistry
from apps.execution.tools.contacts import UpdateContact
from apps.execution.tools.deals import UpdateOpportunity
from apps.execution.tools.emails import DraftEmail
from apps.execution.tools.leads import CreateLead, UpdateLead
from apps.execution.tools.merging import MergeDuplicates
from apps.execution.tools.tasks import CreateFollowup, CreateTask, UpdateTask

registry = ToolRegistry()
for _tool in (
    CreateLead(),
    UpdateLead(),
    UpdateContact(),
    UpdateAccount(),
    MergeDuplicates(),
    UpdateOpportunity(),
    CreateTask(),
    UpdateTask(),
    CreateFollowup(),
    LogActivity(),
    DraftEmail(),
):
    registry.register(_tool)

__all__ = ["Tool", "ToolArguments", "ToolRegistry", "registry"]
