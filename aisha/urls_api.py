"""Version 1 of the API: every app's endpoints under one router."""

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from apps.assistant.api import ConversationViewSet, MessageViewSet
from apps.audit.api import AuditEntryViewSet
from apps.brain.api import BrainCallViewSet, BrainSettingsViewSet
from apps.crm.api import views as crm
from apps.crm.api.changes import ChangeViewSet
from apps.dashboard.api import DashboardViewSet
from apps.duplicates.api import MatchRunViewSet, PairViewSet, ProbeViewSet
from apps.duplicates.groups_api import GroupViewSet
from apps.execution.api import ToolViewSet
from apps.execution.execution_api import ExecutionViewSet
from apps.operations.errors import refuse_unknown_endpoint
from apps.predictions.api.forecasts import ForecastViewSet
from apps.predictions.api.models import PredictionViewSet, TrainedModelViewSet
from apps.predictions.api.runs import PredictionRunViewSet
from apps.predictions.api.scores import ScoreViewSet
from apps.predictions.api.trials import TrialViewSet
from apps.predictions.targets.api import SalesTargetViewSet
from apps.suggestions.api import SuggestionViewSet
from apps.suggestions.bulk_api import BulkApprovalViewSet
from apps.suggestions.cost_api import CostViewSet
from apps.suggestions.digest.api import DigestViewSet
from apps.suggestions.discoveries.api import DiscoveryViewSet
from apps.suggestions.feed_api import SuggestionEventViewSet
from apps.suggestions.learning.api import LearningResetViewSet, LearningViewSet
from apps.suggestions.webhooks.api import WebhookDeliveryViewSet, WebhookEndpointViewSet
from apps.triggers.api import SignalViewSet, TriggerViewSet
from apps.triggers.replay.api import ReplayViewSet
from apps.triggers.scans_api import ScanViewSet

router = SimpleRouter()
router.register("leads", crm.LeadViewSet, "lead")
router.register("contacts", crm.ContactViewSet, "contact")
router.register("accounts", crm.AccountViewSet, "account")
router.register("opportunities", crm.OpportunityViewSet, "opportunity")
router.register("activities", crm.ActivityViewSet, "activity")
router.register("tasks", crm.TaskViewSet, "task")
router.register("contracts", crm.ContractViewSet, "contract")
router.register("products", crm.ProductViewSet, "product")
router.register("drafts", crm.DraftViewSet, "draft")
router.register("tools", ToolViewSet, "tool")
router.register("executions", ExecutionViewSet, "execution")
router.register("suggestions", SuggestionViewSet, "suggestion")
router.register("bulk-approvals", BulkApprovalViewSet, "bulkapproval")
router.register("learning/resets", LearningResetViewSet, "learningreset")
router.register("triggers", TriggerViewSet, "trigger")
router.register(r"triggers/(?P<key>[a-z0-9_]{1,60})/replays", ReplayViewSet, "replayrun")
router.register("forecasts", ForecastViewSet, "forecast")
router.register("targets", SalesTargetViewSet, "salestarget")
router.register("signals", SignalViewSet, "signal")
router.register("scans", ScanViewSet, "scan")
router.register("brain/calls", BrainCallViewSet, "braincall")
router.register("webhooks", WebhookEndpointViewSet, "webhookendpoint")
router.register("webhook-deliveries", WebhookDeliveryViewSet, "webhookdelivery")
router.register("predictions/models", TrainedModelViewSet, "trainedmodel")
router.register("predictions/scores", ScoreViewSet, "score")
router.register("predictions/runs", PredictionRunViewSet, "predictionrun")
router.register("predictions/trials", TrialViewSet, "trial")
router.register("duplicates/pairs", PairViewSet, "pair")
router.register("duplicates/groups", GroupViewSet, "duplicategroup")
router.register("duplicates/runs", MatchRunViewSet, "matchrun")
router.register("conversations", ConversationViewSet, "conversation")
router.register(
    r"conversations/(?P<conversation_id>[0-9]{1,18})/messages",
    MessageViewSet,
    "conversation-messages",
)
router.register("audit", AuditEntryViewSet, "auditentry")

brain_settings = BrainSettingsViewSet.as_view({"get": "retrieve", "patch": "partial_update"})

urlpatterns = [
    *router.urls,
    path(
        "suggestions/events/",
        SuggestionEventViewSet.as_view({"get": "list"}),
        name="suggestion_events",
    ),
    path("changes/", ChangeViewSet.as_view({"get": "list"}), name="changes"),
    path("duplicates/probe/", ProbeViewSet.as_view({"post": "create"}), name="probe"),
    path("discoveries/", DiscoveryViewSet.as_view({"get": "list"}), name="discoveries"),
    path("dashboard/", DashboardViewSet.as_view({"get": "retrieve"}), name="dashboard"),
    path("predictions/", PredictionViewSet.as_view({"get": "list"}), name="predictions"),
    path("digest/", DigestViewSet.as_view({"get": "retrieve"}), name="digest"),
    path("learning/", LearningViewSet.as_view({"get": "retrieve"}), name="learning"),
    path("brain/settings/", brain_settings, name="brainsettings"),
    path("brain/cost/", CostViewSet.as_view({"get": "retrieve"}), name="braincost"),
    re_path(r"", refuse_unknown_endpoint, name="unknown_endpoint"),
]
