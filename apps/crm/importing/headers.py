"""The headers that are known: words for each field, whole files, and the hallmarks of their sources.

Words stand in order of preference and are compared by their letters and digits alone. HubSpot names columns
by property label ("Record ID", "Associated Company IDs (Primary)"); Salesforce's Data Loader by API name
("StageName", "AccountId"), its reports by label ("Opportunity Name", "Company / Account").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from apps.crm.enums import RecordKind
from apps.crm.importing.values import fold


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file whose header is known as a whole: it wins over the words of the tables below."""

    source: str
    label: str
    kind: RecordKind
    signature: frozenset[str]
    targets: Mapping[str, tuple[str, ...]]
    scale: Mapping[str, int] = field(default_factory=dict)
    identity: str = ""


_PERSON = {
    "first_name": "first name, firstname, given name",
    "last_name": "last name, lastname, surname, family name",
    "full_name": "full name, name, contact name, lead name, person",
    "title": "title, job title, position, role",
    "email": "email, e-mail, email address, work email, mail",
    "phone": "phone, phone number, telephone, business phone, mobile phone number, mobile, mobilephone",
    "notes": "notes, description, comments, message",
    "do_not_contact": "do not contact, unsubscribed from all email, email opt out, do not call, "
    "opted out of email",
}
_OWNER = (
    "owner, record owner, owner full name, owner name, owner email, owner: full name, assigned to"
)
_CREATED = "create date, created date, createdate, created, created at, created on, date created"

# Kind → field → the headers that mean it, besides the field's own key and label.
WORDS: dict[RecordKind, dict[str, str]] = {
    RecordKind.LEAD: {
        **_PERSON,
        "external_id": "record id, id, lead id, hs_object_id, external id, contact id",
        "company": "company, company name, company / account, account, account name, associated company, "
        "associated company (primary), organization, organisation",
        "status": "status, lead status, hs_lead_status",
        "lead_source": "lead source, source, original source, original traffic source, channel",
        "estimated_value": "value, estimated value, budget, deal value, amount",
        "currency": "currency, currency code, currency iso code, lead currency",
        "owner": f"{_OWNER}, lead owner, contact owner, sales rep",
        "created_at": _CREATED,
    },
    RecordKind.CONTACT: {
        **_PERSON,
        "external_id": "record id, id, contact id, hs_object_id, external id",
        "account": "account, account name, company, company name, associated company, "
        "associated company (primary), primary company, organization, organisation",
        "account_external_id": "account id, associated company id, associated company ids, "
        "associated company ids (primary), company id, primary associated company id",
        "owner": f"{_OWNER}, contact owner, sales rep",
        "created_at": _CREATED,
    },
    RecordKind.ACCOUNT: {
        "external_id": "record id, id, account id, company id, hs_object_id, external id",
        "name": "name, company name, account name, account, company, organization, organisation",
        "website": "website, website url, company domain name, domain, url",
        "sector": "sector, industry",
        "employees": "employees, number of employees, numberofemployees, headcount",
        "annual_revenue": "annual revenue, revenue, annualrevenue, turnover",
        "currency": "currency, currency code, currency iso code, account currency",
        "location": "location, office location, country, country/region, billing country, city, "
        "billing city",
        "phone": "phone, phone number, telephone, main phone",
        "parent": "parent, parent account, parent company, subsidiary of",
        "parent_external_id": "parent id, parent account id, parent company id",
        "notes": "notes, description, about us",
        "owner": f"{_OWNER}, company owner, account owner",
        "created_at": _CREATED,
    },
    RecordKind.OPPORTUNITY: {
        "external_id": "record id, id, deal id, opportunity id, hs_object_id, external id",
        "name": "name, deal name, dealname, opportunity name, opportunity, deal",
        "account": "account, account name, company, company name, associated company, "
        "associated company (primary), client, customer",
        "account_external_id": "account id, associated company id, associated company ids, "
        "associated company ids (primary), company id",
        "contact": "contact, contact name, primary contact, associated contact, contact email",
        "contact_external_id": "contact id, associated contact id, associated contact ids, "
        "primary contact id",
        "product": "product, product name",
        "product_external_id": "product id, product2id",
        "stage": "stage, deal stage, stage name, stagename, dealstage, opportunity stage, status",
        "amount": "amount, value, deal value, opportunity amount",
        "close_value": "close value",
        "currency": "currency, currency code, currency iso code, amount currency, deal currency code",
        "opened_on": "opened on, opened, engage date, create date, created date, createdate, "
        "created on, created",
        "close_date": "close date, closedate, expected close date, closing date",
        "closed_on": "closed on, closed date, actual close date",
        "expected_close_on": "expected close on, forecast date",
        "stage_entered_at": "date entered current stage, last stage change date, laststagechangedate, "
        "date entered stage, stage entered at",
        "next_step": "next step, nextstep",
        "lost_reason": "lost reason, closed lost reason, loss reason, reason lost",
        "notes": "notes, description, deal description",
        "owner": f"{_OWNER}, deal owner, opportunity owner, sales agent, sales rep, rep",
    },
    RecordKind.ACTIVITY: {
        "external_id": "record id, id, activity id, hs_object_id, external id, engagement id",
        "activity_kind": "type, activity type, kind, activity kind, engagement type, task subtype, "
        "event subtype",
        "direction": "direction, call direction, email direction, call type",
        "occurred_at": "date, activity date, activitydate, activity date time, activitydatetime, "
        "occurred at, "
        "start, start date time, startdatetime, completed date time, timestamp, time, when",
        "subject": "subject, title, call title, meeting name, meeting title, email subject, name, topic",
        "body": "body, notes, description, call notes, meeting description, email body, "
        "note body, full comments, "
        "comments, text",
        "counterpart_address": "from, to, email, email address, counterpart, counterpart address, sender, "
        "recipient",
        "counterpart_name": "counterpart name, from name, sender name",
        "delivery": "delivery, email send status, email status",
        "contact": "contact, contact name, associated contact, contact email",
        "contact_external_id": "contact id, associated contact id, associated contact ids",
        "lead": "lead, lead name",
        "lead_external_id": "lead id, associated lead id, associated lead ids",
        "account": "account, account name, company, company name, company / account, associated company",
        "account_external_id": "account id, associated company id, associated company ids, company id",
        "opportunity": "opportunity, opportunity name, deal, deal name, associated deal",
        "opportunity_external_id": "opportunity id, deal id, associated deal id, associated deal ids",
        "who_id": "who id, whoid, name id",
        "what_id": "what id, whatid, related to id",
        "owner": f"{_OWNER}, activity assigned to, assigned: full name",
        "created_at": _CREATED,
    },
    RecordKind.TASK: {
        "external_id": "record id, id, task id, hs_object_id, external id",
        "title": "title, task title, subject, task subject, name, task name, task, hs_task_subject",
        "description": "description, notes, task notes, comments, full comments, body, hs_task_body",
        "due_on": "due, due on, due date, date, activity date, activitydate, deadline",
        "status": "status, task status, hs_task_status",
        "priority": "priority, task priority, hs_task_priority",
        "completed_at": "completed at, completed date, completed date time, completeddatetime, "
        "completion date",
        "contact": "contact, contact name, associated contact, contact email",
        "contact_external_id": "contact id, associated contact id, associated contact ids",
        "lead": "lead, lead name",
        "lead_external_id": "lead id, associated lead id, associated lead ids",
        "account": "account, account name, company, company name, company / account, associated company",
        "account_external_id": "account id, associated company id, associated company ids, company id",
        "opportunity": "opportunity, opportunity name, deal, deal name, associated deal",
        "opportunity_external_id": "opportunity id, deal id, associated deal id, associated deal ids",
        "who_id": "who id, whoid, name id",
        "what_id": "what id, whatid, related to id",
        "owner": f"{_OWNER}, task owner, assignee, task assigned to",
        "created_at": _CREATED,
    },
    RecordKind.CONTRACT: {
        "external_id": "record id, id, contract id, contract number, contractnumber, hs_object_id, "
        "external id",
        "name": "name, contract name, contract, title",
        "account": "account, account name, company, company name, customer, client",
        "account_external_id": "account id, associated company id, associated company ids, company id",
        "value": "value, amount, contract value, total contract value, tcv, arr, annual value",
        "currency": "currency, currency code, currency iso code, contract currency",
        "starts_on": "starts on, start date, contract start date, startdate, start",
        "renews_on": "renews on, renewal date, end date, contract end date, enddate, end, expiry date",
        "outcome": "outcome, status, contract status",
        "outcome_on": "outcome on, outcome date",
        "owner": f"{_OWNER}, contract owner",
        "created_at": _CREATED,
    },
    RecordKind.PRODUCT: {
        "external_id": "record id, id, product id, product code, productcode, sku, hs_sku, "
        "hs_object_id, external id",
        "name": "name, product name, product",
        "series": "series, product family, family, category",
        "price": "price, unit price, unitprice, sales price, list price, standard price",
        "currency": "currency, currency code, currency iso code, list price currency",
        "is_active": "is active, active, isactive, status",
        "owner": _OWNER,
        "created_at": _CREATED,
    },
}

_SALVIRT_FEATURES = (
    "Product", "Seller", "Authority", "Comp_size", "Competitors", "Purch_dept", "Partnership",
    "Budgt_alloc", "Forml_tend", "RFI", "RFP", "Growth", "Posit_statm", "Source", "Client",
    "Scope", "Strat_deal", "Cross_sale", "Up_sale", "Deal_type", "Needs_def", "Att_t_client",
)  # fmt: skip

KNOWN_FILES: tuple[KnownFile, ...] = (
    KnownFile(
        source="maven",
        label="Maven CRM accounts",
        kind=RecordKind.ACCOUNT,
        signature=frozenset(
            {"account", "sector", "yearestablished", "officelocation", "subsidiaryof"}
        ),
        targets={"yearestablished": ("custom:year_established:number",)},
        # Its revenue is in millions, as the set's data dictionary says.
        scale={"revenue": 1_000_000},
    ),
    KnownFile(
        source="maven",
        label="Maven CRM products",
        kind=RecordKind.PRODUCT,
        signature=frozenset({"product", "series", "salesprice"}),
        targets={},
    ),
    KnownFile(
        source="maven",
        label="Maven CRM sales pipeline",
        kind=RecordKind.OPPORTUNITY,
        signature=frozenset(
            {"opportunityid", "salesagent", "dealstage", "engagedate", "closevalue"}
        ),
        targets={},
    ),
    KnownFile(
        source="salvirt",
        label="Salvirt B2B deals",
        kind=RecordKind.OPPORTUNITY,
        signature=frozenset(
            fold(name) for name in ("Comp_size", "Budgt_alloc", "Att_t_client", "Status")
        ),
        targets={
            **{fold(name): (f"custom:{name.lower()}:choice",) for name in _SALVIRT_FEATURES},
            "product": ("product", "custom:product:choice"),
            "seller": ("owner", "custom:seller:choice"),
            "status": ("stage",),
        },
        # Its rows carry no id and no name, and 83 of them occur more than once.
        identity="row",
    ),
)

# Headers that only one product writes; the product with more of them is taken as the source.
HALLMARKS: dict[str, tuple[str, frozenset[str]]] = {
    "hubspot": (
        "HubSpot export",
        frozenset(
            fold(word)
            for word in (
                "Record ID", "hs_object_id", "Deal Stage", "Deal owner", "Contact owner", "Company owner",
                "Lifecycle Stage", "Associated Company", "Associated Company IDs", "Associated Contact IDs",
                "Associated Deal IDs", "Company Domain Name", "Number of Employees",
                "Associated Company (Primary)",
                "Associated Company IDs (Primary)", "Unit price", "Task Title", "Original Source",
            )
        ),
    ),
    "salesforce": (
        "Salesforce export",
        frozenset(
            fold(word)
            for word in (
                "IsDeleted", "SystemModstamp", "OwnerId", "StageName", "AccountId", "LastModifiedById",
                "Opportunity ID", "Opportunity Name", "Opportunity Owner", "Account Owner", "Lead Owner",
                "Lead ID", "Contact ID", "Account ID", "Company / Account", "BillingCountry",
                "WhoId", "WhatId",
                "ProductCode", "Product Family", "IsConverted", "Contract Number", "ContractNumber",
            )
        ),
    ),
}  # fmt: skip
