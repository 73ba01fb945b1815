"""The pages that one may ask to be led to, by the names that people give them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from apps.assistant.rules.heard import Heard, Topic
from apps.triggers.enums import VIEW_SIGNALS
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class Place:
    """A page: the name of its address, what a role must include to be led there, and how it is called."""

    route: str
    permission: str
    label: str


PLACES: dict[str, Place] = {
    "today": Place("dashboard:today", "", "Today"),
    "suggestions": Place("suggestions:queue", "suggestions.view_suggestion", "Suggestions"),
    "discovered": Place("discoveries:discovered", VIEW_SIGNALS, "Discovered"),
    "digest": Place("digest:preview", "suggestions.view_suggestion", "Digest"),
    "insights": Place("learning:learning", "suggestions.view_suggestion", "Insights"),
    "forecast": Place("dashboard:forecast", "predictions.view_forecast", "Forecast"),
    "predictions": Place("predictions:model_list", "predictions.view_trainedmodel", "Predictions"),
    "duplicates": Place("duplicates:pair_list", "duplicates.view_pair", "Duplicates"),
    "leads": Place("crm:lead_list", "crm.view_lead", "Leads"),
    "contacts": Place("crm:contact_list", "crm.view_contact", "Contacts"),
    "accounts": Place("crm:account_list", "crm.view_account", "Accounts"),
    "deals": Place("crm:opportunity_list", "crm.view_opportunity", "Deals"),
    "tasks": Place("crm:task_list", "crm.view_task", "Tasks"),
    "activities": Place("crm:activity_list", "crm.view_activity", "Activities"),
    "drafts": Place("crm:draft_list", "crm.view_draft", "Drafts"),
    "contracts": Place("crm:contract_list", "crm.view_contract", "Contracts"),
    "products": Place("crm:product_list", "crm.view_product", "Products"),
    "triggers": Place("triggers:trigger_list", "triggers.view_triggersetting", "Triggers"),
    "scans": Place("triggers:scan_list", "triggers.view_scan", "Scans"),
    "brain": Place("brain:settings", "brain.view_brainsettings", "Brain"),
    "webhooks": Place("webhooks:endpoint_list", "suggestions.change_webhookendpoint", "Webhooks"),
    "import": Place("crm:import_start", "crm.add_importrun", "Import"),
    "audit": Place("audit:entry_list", "", "Audit"),
    "profile": Place("users:profile", "", "Profile"),
    "search": Place("crm:search", "crm.view_lead", "Search"),
}
_OTHER_NAMES = {
    "home": "today", "dashboard": "today", "start": "today", "heute": "today", "startseite": "today",
    "queue": "suggestions", "suggestion": "suggestions", "vorschläge": "suggestions",
    "discoveries": "discovered", "entdeckungen": "discovered", "learning": "insights",
    "prognose": "forecast", "lead": "leads", "contact": "contacts", "kontakte": "contacts",
    "account": "accounts", "companies": "accounts", "customers": "accounts", "kunden": "accounts",
    "firmen": "accounts", "deal": "deals", "opportunities": "deals", "geschäfte": "deals",
    "pipeline": "deals", "task": "tasks", "aufgaben": "tasks", "to-dos": "tasks", "aktivitäten": "activities",
    "contract": "contracts", "verträge": "contracts", "renewals": "contracts", "entwürfe": "drafts",
    "produkte": "products", "dubletten": "duplicates", "settings": "profile", "my settings": "profile",
    "einstellungen": "profile", "profil": "profile", "audit log": "audit", "protokoll": "audit",
    "suche": "search",
}  # fmt: skip
_GO_TO = re.compile(
    r"^(?:go(?: back)? to|open(?: up)?|take me to|bring me to|lead me to|navigate to|switch to|jump to"
    r"|gehe? zu[rm]?|öffne|bringe? mich zu[rm]?|führe? mich zu[rm]?|wechsle zu[rm]?)\s+"
    r"(?:(?:the|my|our|all|den|die|das|der|dem|meine[nr]?)\s+)*(?P<name>.+?)"
    r"(?:[- ](?:page|list|view|screen|seite|liste))?$",
    re.IGNORECASE,
)


def places_for(user: User) -> dict[str, Place]:
    """The pages to which this person may be led."""
    return {
        key: place
        for key, place in PLACES.items()
        if not place.permission or user.has_perm(place.permission)
    }


def hear_page(words: str) -> Heard | None:
    """The page, or the record, that a message wants to be led to; None where it wants something else."""
    found = _GO_TO.match(words)
    if found is None:
        return None
    name = found["name"].strip()
    key = name.casefold()
    key = _OTHER_NAMES.get(key, key)
    if key in PLACES:
        return Heard(Topic.GO_TO, choice=key)
    return Heard(Topic.GO_TO, name=name)
