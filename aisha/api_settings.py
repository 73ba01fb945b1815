"""How the API is served and described: the settings of Django REST framework and of drf-spectacular."""

from __future__ import annotations

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.users.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.tenants.api.NestedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "apps.tenants.api.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["apps.tenants.api.StrictFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["apps.users.throttling.CallThrottle"],
    "DEFAULT_SCHEMA_CLASS": "apps.users.openapi.EndpointSchema",
    "EXCEPTION_HANDLER": "apps.operations.errors.answer_api_error",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AiSHA API",
    "DESCRIPTION": "Records, suggestions and decisions of one tenant; the tenant is the host name.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # With a field that narrows the page to a part of the API: there are many.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "filter": True},
    "SCHEMA_PATH_PREFIX": r"/api/(?:v1|ai)",
    "COMPONENT_SPLIT_REQUEST": True,
    # Sets of choices under several names: urgency of a suggestion, severity of a signal; kinds of record.
    "ENUM_NAME_OVERRIDES": {
        "SeverityEnum": "apps.triggers.enums.Severity",
        "RecordKindEnum": "apps.crm.enums.RecordKind",
        "DiscoveryEnum": "apps.triggers.enums.Discovery",
        "BandEnum": "apps.duplicates.bands.Band",
        "MatchedKindEnum": "apps.duplicates.enums.MATCHED_KINDS",
        "ScanKindEnum": "apps.triggers.enums.ScanKind",
        "ScanStatusEnum": "apps.triggers.enums.ScanStatus",
        "ExecutionStatusEnum": "apps.execution.enums.ExecutionStatus",
        "ValueKindEnum": "apps.execution.enums.ValueKind",
        "StateEnum": "apps.suggestions.enums.State",
        "ResetScopeEnum": "apps.suggestions.learning.enums.ResetScope",
        "DeliveryStateEnum": "apps.suggestions.webhooks.enums.DeliveryState",
        "PredictionEnum": "apps.predictions.enums.Prediction",
        "ServiceStateEnum": "apps.predictions.enums.ServiceState",
        "ModelStateEnum": "apps.predictions.enums.ModelState",
        "PredictionRunKindEnum": "apps.predictions.enums.RunKind",
        "WorkStatusEnum": "apps.tenants.work.enums.WorkStatus",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.operations.openapi.document_errors",
    ],
}
