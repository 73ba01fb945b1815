"""The tools: each a named, typed change that may be proposed."""

from apps.execution.tools.base import Tool, ToolArguments, ToolRegistry
from apps.execution.tools.contacts import UpdateContact
from apps.execution.tools.leads import CreateLead
from apps.execution.tools.tasks import CreateFollowup, UpdateTask

registry = ToolRegistry()
for _tool in (CreateLead(), UpdateContact(), UpdateTask(), CreateFollowup()):
    registry.register(_tool)

__all__ = ["Tool", "ToolArguments", "ToolRegistry", "registry"]
