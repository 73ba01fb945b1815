# AiSHA's commands. `make help` lists them. PORT, AISHA_HOME, AISHA_STAND_IN and PYTHON may be given, as in
# `make demo PORT=9000`. Only Python 3.11 or later and make are assumed.
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
.DEFAULT_GOAL := help

python := .venv/bin/python
embedded := $(python) -m apps.operations.embedded
same_version := $(if $(PYTHON),--same-version)
prepare = interpreter=$$(.ci/find_python) && "$$interpreter" .ci/environment.py $(same_version)

export PYTHON
ifdef PORT
export PORT
endif
ifdef AISHA_HOME
export AISHA_HOME
endif
ifdef AISHA_STAND_IN
export AISHA_STAND_IN
endif

.PHONY: help demo demo-once test check soak shell bench clean environment environment-dev

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

environment:
	@$(prepare) requirements.txt

environment-dev:
	@$(prepare) requirements.txt requirements-dev.txt

demo: environment ## demo tenants, then web, worker and beat; Ctrl-C stops everything
	@exec $(python) -m apps.operations.supervisor demo --with-parent

demo-once: environment ## as demo, without serving; prints one JSON object
	@exec $(python) -m apps.operations.supervisor demo --once --with-parent

test: environment-dev ## unit and integration tests, then browser tests; ARGS for pytest
	@AISHA_HOME="$${AISHA_HOME:-.aisha/test}" exec $(python) .ci/run_tests.py $(ARGS)

check: environment-dev ## lint, format, types, migrations, templates, deployment settings
	@.ci/check

soak: environment-dev ## the long versions of the tests
	@AISHA_HOME="$${AISHA_HOME:-.aisha/test}" exec $(embedded) run --volatile --with-parent -- $(python) -m pytest -m soak $(ARGS)

shell: environment ## Django's shell inside a tenant: SCHEMA=acme
	@exec $(embedded) run --with-parent -- $(python) manage.py tenant_command shell --schema=$(or $(SCHEMA),acme)

bench: environment-dev ## measure beside baselines into bench/results.json: ONLY=app
	@AISHA_HOME="$${AISHA_HOME:-.aisha/bench}" LOG_LEVEL="$${LOG_LEVEL:-WARNING}" exec $(embedded) run --with-parent -- $(python) manage.py bench $(if $(ONLY),--only $(ONLY))

clean: ## delete the virtual environment and all embedded data
	@if [ -x $(python) ]; then for home in .aisha/test .aisha/test-2 .aisha/bench "$${AISHA_HOME:-.aisha}"; do AISHA_HOME="$$home" $(embedded) clean || exit 1; done; fi
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/results.json
