"""Recognising the columns of exports, and of files that nobody knows."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from django.conf import settings

from apps.crm.enums import RecordKind
from apps.crm.importing.fields import PLURALS, fields_of
from apps.crm.importing.headers import WORDS
from apps.crm.importing.recognition import recognise

IMPORTED_KINDS = sorted(set(PLURALS.values()))
MAVEN = settings.BASE_DIR / "apps/operations/demo/data/maven"


def targets(kind: RecordKind, header: str) -> tuple[str, dict[str, str]]:
    found = recognise(kind, next(csv.reader([header])))
    return found.source, {column: "+".join(keys) for column, keys in found.targets.items()}


def test_a_hubspot_export_of_contacts() -> None:
    header = (
        "Record ID,First Name,Last Name,Email,Phone Number,Job Title,Contact owner,Associated Company,"
        "Associated Company IDs,Lifecycle Stage,Create Date"
    )
    assert targets(RecordKind.CONTACT, header) == (
        "hubspot",
        {
            "Record ID": "external_id",
            "First Name": "first_name",
            "Last Name": "last_name",
            "Email": "email",
            "Phone Number": "phone",
            "Job Title": "title",
            "Contact owner": "owner",
            "Associated Company": "account",
            "Associated Company IDs": "account_external_id",
            "Create Date": "created_at",
        },
    )


def test_a_hubspot_export_of_leads() -> None:
    header = "Record ID,First Name,Last Name,Email,Company Name,Lead Status,Original Source,Contact owner"
    assert targets(RecordKind.LEAD, header) == (
        "hubspot",
        {
            "Record ID": "external_id",
            "First Name": "first_name",
            "Last Name": "last_name",
            "Email": "email",
            "Company Name": "company",
            "Lead Status": "status",
            "Original Source": "lead_source",
            "Contact owner": "owner",
        },
    )


def test_a_hubspot_export_of_companies() -> None:
    header = (
        "Record ID,Company name,Company owner,Create Date,Phone Number,City,Country/Region,Industry,"
        "Number of Employees,Annual Revenue,Company Domain Name,Parent Company"
    )
    source, found = targets(RecordKind.ACCOUNT, header)
    assert source == "hubspot"
    assert found == {
        "Record ID": "external_id",
        "Company name": "name",
        "Company owner": "owner",
        "Create Date": "created_at",
        "Phone Number": "phone",
        "Country/Region": "location",
        "Industry": "sector",
        "Number of Employees": "employees",
        "Annual Revenue": "annual_revenue",
        "Company Domain Name": "website",
        "Parent Company": "parent",
    }


def test_a_hubspot_export_of_deals() -> None:
    header = (
        "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Pipeline,Create Date,"
        "Associated Company IDs (Primary),Associated Company (Primary),Associated Contact IDs,"
        "Closed Lost Reason"
    )
    source, found = targets(RecordKind.OPPORTUNITY, header)
    assert source == "hubspot"
    assert found == {
        "Record ID": "external_id",
        "Deal Name": "name",
        "Deal Stage": "stage",
        "Close Date": "close_date",
        "Deal owner": "owner",
        "Amount": "amount",
        "Create Date": "opened_on",
        "Associated Company IDs (Primary)": "account_external_id",
        "Associated Company (Primary)": "account",
        "Associated Contact IDs": "contact_external_id",
        "Closed Lost Reason": "lost_reason",
    }


def test_a_salesforce_data_loader_export_of_opportunities() -> None:
    header = (
        "Id,IsDeleted,AccountId,Name,StageName,Amount,CloseDate,NextStep,OwnerId,CreatedDate,LastStageChangeDate,"
        "SystemModstamp"
    )
    source, found = targets(RecordKind.OPPORTUNITY, header)
    assert source == "salesforce"
    assert found == {
        "Id": "external_id",
        "AccountId": "account_external_id",
        "Name": "name",
        "StageName": "stage",
        "Amount": "amount",
        "CloseDate": "close_date",
        "NextStep": "next_step",
        "CreatedDate": "opened_on",
        "LastStageChangeDate": "stage_entered_at",
    }


def test_a_salesforce_report_of_opportunities() -> None:
    header = (
        "Opportunity Owner,Account Name,Opportunity Name,Stage,Amount Currency,Amount,Close Date,"
        "Opportunity ID"
    )
    source, found = targets(RecordKind.OPPORTUNITY, header)
    assert source == "salesforce"
    assert found == {
        "Opportunity Owner": "owner",
        "Account Name": "account",
        "Opportunity Name": "name",
        "Stage": "stage",
        "Amount Currency": "currency",
        "Amount": "amount",
        "Close Date": "close_date",
        "Opportunity ID": "external_id",
    }


def test_a_salesforce_report_of_leads() -> None:
    header = "Lead ID,First Name,Last Name,Title,Company / Account,Email,Lead Source,Lead Status,Lead Owner"
    source, found = targets(RecordKind.LEAD, header)
    assert source == "salesforce"
    assert list(found.values()) == [
        "external_id", "first_name", "last_name", "title", "company", "email", "lead_source", "status",
        "owner",
    ]  # fmt: skip


def test_a_salesforce_export_of_tasks() -> None:
    header = "Id,WhoId,WhatId,Subject,ActivityDate,Status,Priority,OwnerId,Description,IsDeleted"
    source, found = targets(RecordKind.TASK, header)
    assert source == "salesforce"
    assert found == {
        "Id": "external_id",
        "WhoId": "who_id",
        "WhatId": "what_id",
        "Subject": "title",
        "ActivityDate": "due_on",
        "Status": "status",
        "Priority": "priority",
        "Description": "description",
    }


def test_salesforce_contracts_and_products() -> None:
    _, contract = targets(
        RecordKind.CONTRACT, "ContractNumber,AccountId,Status,StartDate,EndDate,OwnerId"
    )
    assert contract == {
        "ContractNumber": "external_id",
        "AccountId": "account_external_id",
        "Status": "outcome",
        "StartDate": "starts_on",
        "EndDate": "renews_on",
    }
    _, product = targets(RecordKind.PRODUCT, "Id,Name,ProductCode,IsActive,Family,List Price")
    assert product == {
        "Id": "external_id",
        "Name": "name",
        "IsActive": "is_active",
        "Family": "series",
        "List Price": "price",
    }


def test_an_activity_log_of_no_known_source() -> None:
    source, found = targets(
        RecordKind.ACTIVITY, "Activity ID,Type,Date,Subject,Notes,Contact email,Direction"
    )
    assert source == "import"
    assert found == {
        "Activity ID": "external_id",
        "Type": "activity_kind",
        "Date": "occurred_at",
        "Subject": "subject",
        "Notes": "body",
        "Contact email": "contact",
        "Direction": "direction",
    }


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        (
            "sales_pipeline.csv",
            RecordKind.OPPORTUNITY,
            [
                "external_id",
                "owner",
                "product",
                "account",
                "stage",
                "opened_on",
                "close_date",
                "close_value",
            ],
        ),
        ("products.csv", RecordKind.PRODUCT, ["name", "series", "price"]),
        (
            "accounts.csv",
            RecordKind.ACCOUNT,
            [
                "name",
                "sector",
                "custom:year_established:number",
                "annual_revenue",
                "employees",
                "location",
                "parent",
            ],
        ),
    ],
)
def test_the_demos_files_are_recognised_whole(
    name: str, kind: RecordKind, expected: list[str]
) -> None:
    with Path(MAVEN / name).open() as source:
        header = next(csv.reader(source))
    found = recognise(kind, header)
    assert found.source == "maven"
    assert ["+".join(found.targets[column]) for column in header] == expected
    assert found.scale == ({"revenue": 1_000_000} if kind == RecordKind.ACCOUNT else {})


def test_every_salvirt_column_is_a_feature_but_the_outcome() -> None:
    header = [
        "Product",
        "Seller",
        "Authority",
        "Comp_size",
        "Budgt_alloc",
        "Att_t_client",
        "Status",
    ]
    found = recognise(RecordKind.OPPORTUNITY, header)
    assert (found.source, found.identity) == ("salvirt", "row")
    assert found.targets == {
        "Product": ("product", "custom:product:choice"),
        "Seller": ("owner", "custom:seller:choice"),
        "Authority": ("custom:authority:choice",),
        "Comp_size": ("custom:comp_size:choice",),
        "Budgt_alloc": ("custom:budgt_alloc:choice",),
        "Att_t_client": ("custom:att_t_client:choice",),
        "Status": ("stage",),
    }


def test_unknown_columns_are_left_to_the_person() -> None:
    assert targets(RecordKind.LEAD, "Zodiac,Shoe size") == ("import", {})


@pytest.mark.parametrize("kind", IMPORTED_KINDS)
def test_the_words_name_fields_that_exist(kind: RecordKind) -> None:
    assert set(WORDS[kind]) <= set(fields_of(kind).fields)


@pytest.mark.parametrize("kind", IMPORTED_KINDS)
def test_every_field_is_found_by_its_key_and_its_label(kind: RecordKind) -> None:
    for key, field in fields_of(kind).fields.items():
        for header in (key, field.label):
            assert recognise(kind, [header]).targets == {header: (key,)}, header
