"""Admin pages of suggestions, of decisions, and of what a suggestion rests on and led to."""

from apps.suggestions.admin.decisions import BulkApprovalAdmin, DecisionAdmin
from apps.suggestions.admin.story import ExecutionStoryAdmin, SignalStoryAdmin
from apps.suggestions.admin.suggestions import SuggestionAdmin

__all__ = [
    "BulkApprovalAdmin",
    "DecisionAdmin",
    "ExecutionStoryAdmin",
    "SignalStoryAdmin",
    "SuggestionAdmin",
]
