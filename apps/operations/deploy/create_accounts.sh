#!/bin/sh
# Run once by PostgreSQL's image on an empty volume: the two accounts of docs/operations.md.
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 \
    --set owner_password="$AISHA_OWNER_PASSWORD" --set app_password="$AISHA_APP_PASSWORD" <<'SQL'
CREATE ROLE aisha_owner LOGIN CREATEROLE PASSWORD :'owner_password';
CREATE ROLE aisha_app LOGIN PASSWORD :'app_password';
CREATE DATABASE aisha OWNER aisha_owner;
SQL
