# Tenure. `make` lists what there is. Everything needs only Python >= 3.11, pip and make.

.DEFAULT_GOAL := help
# The first Python on the path that is new enough; name another with PYTHON=...
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; \
	done)
VENV := .venv/bin/python
BROWSER ?= 1
export OMP_NUM_THREADS := 1

.PHONY: help
help: ## List the targets
	@echo "Tenure. Targets:"
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1	/p' $(MAKEFILE_LIST) | expand -t 18 | sed 's/^/  /'

.PHONY: python env env-tests
python:
	@test -n "$(PYTHON)" || { echo "Tenure needs Python 3.11 or newer: install it, or name it (make demo PYTHON=/path/to/python3)."; exit 1; }

env: python ## Make the environment for running (.venv, from the hashed lock)
	@"$(PYTHON)" config/local/set_up.py run

env-tests: python ## The same with what the tests need
	@"$(PYTHON)" config/local/set_up.py dev

.PHONY: demo run reset manage advance shell
demo: env ## Bring up a whole Tenure with a living business (Ctrl-C stops it)
	@$(VENV) -m config.local.demo $(if $(REPORT),--report)

run: env ## The same without the business: an empty Tenure for development
	@$(VENV) -m config.local.demo --empty $(if $(REPORT),--report)

reset: env ## Stop the demo and delete everything it keeps
	@$(VENV) -m config.local.demo --reset

manage: env ## A management command on the running demo: make manage CMD="verify_ledger"
	@$(VENV) -m config.local.manage $(CMD)

advance: env ## Let days pass in the running demo: make advance DAYS=7
	@$(VENV) -m config.local.business --days $(or $(DAYS),1)

shell: env ## A Python shell on the running demo
	@$(VENV) -m config.local.manage shell

.PHONY: test lint types floors unit coverage test-browser format
test: env-tests ## Run everything that must pass (BROWSER=0 leaves the browser out)
	@BROWSER="$(BROWSER)" $(VENV) config/local/suite.py

lint: env-tests ## Only style: ruff
	@$(VENV) config/local/suite.py lint format

types: env-tests ## Only types: mypy, strict
	@$(VENV) config/local/suite.py types

floors: env-tests ## Only the floors: which app may import which
	@$(VENV) config/local/suite.py floors

unit: env-tests ## Only pytest without the browser
	@$(VENV) config/local/suite.py tests

coverage: env-tests ## The same, and which lines and branches no test runs
	@$(VENV) -m pytest -m "not browser" -q -n 2 --cov --cov-report=term:skip-covered

test-browser: env-tests ## Only the browser tests
	@$(VENV) config/local/suite.py browser

.PHONY: prove
prove: env-tests ## Caps, decisions, stop switch, opt-out and hold period under many hands: ONLY=caps,switch SMALL=1
	@$(VENV) -m config.local.with_servers $(VENV) -m benchmarks.guardrails --out "$(or $(OUT),.local/guardrails.json)" \
		$(if $(ONLY),--only $(ONLY)) $(if $(SMALL),--small)

.PHONY: machine
machine: env-tests ## A message's life in random orders: EXAMPLES=1000 STEPS=20
	@MACHINE_EXAMPLES="$(or $(EXAMPLES),1000)" MACHINE_STEPS="$(or $(STEPS),20)" \
		$(VENV) -m pytest tests/outreach/test_machine.py -q

.PHONY: screenshots
screenshots: env-tests ## The pictures of the documentation, from the running demo
	@$(VENV) -m config.local.screenshots

format: env-tests ## Put the code in order (changes files)
	@$(VENV) -m ruff format .
	@$(VENV) -m ruff check --fix .

.PHONY: bench-ledger
bench-ledger: env-tests ## A million entries verified, 2,500 tamperings found
	@$(VENV) -m config.local.with_servers $(VENV) -m benchmarks.ledger $(if $(OUT),--out "$(OUT)")

.PHONY: bench-activity
bench-activity: env-tests ## Each filter of /activity/ over a million entries, and its CSV: ENTRIES=1000000
	@$(VENV) -m config.local.with_servers $(VENV) -m benchmarks.activity --export \
		$(if $(ENTRIES),--entries $(ENTRIES)) $(if $(OUT),--out "$(OUT)")

.PHONY: quiet-hours
quiet-hours: env-tests ## Calling hours decided twice, 800,000 times: DECISIONS=800000
	@$(VENV) -m config.local.with_servers $(VENV) -m benchmarks.quiet_hours --decisions "$(or $(DECISIONS),800000)" $(if $(OUT),--out "$(OUT)")

.PHONY: bench-hostile
bench-hostile: env-tests ## Hostile notes against a machine that obeys them: nothing foreign may pass
	@$(VENV) -m config.local.with_servers $(VENV) -m benchmarks.hostile_notes $(if $(OUT),--out "$(OUT)")

.PHONY: bench-breakers
bench-breakers: env-tests ## 100 calm weeks: how often breakers open for nothing, and what they see at once
	@$(VENV) -m config.local.with_servers $(VENV) -m benchmarks.breakers

.PHONY: stop-words
stop-words: env-tests ## How well unseen wordings of stop are heard; WRITE=1 learns the second net anew
	@$(VENV) -m config.local.with_servers $(VENV) -m benchmarks.answers.learn $(if $(WRITE),--write)

.PHONY: bench-scale
bench-scale: env-tests ## The whole round at the size of a chain: 50 locations, 200,000 guests
	@$(VENV) -m benchmarks.scale --home "$(or $(BENCH_HOME),.local/scale)" --out "$(or $(OUT),.local/scale.json)" \
		$(if $(LOCATIONS),--locations $(LOCATIONS)) $(if $(GUESTS),--guests $(GUESTS))

.PHONY: bench-pages
bench-pages: env-tests ## Server time of every list page at the size of a chain, by role: PART=0.1 ROLES=manager ONLY=/replies/
	@$(VENV) -m benchmarks.pages --home "$(or $(BENCH_HOME),.local/pages)" --out "$(or $(OUT),.local/pages.json)" \
		$(if $(PART),--part $(PART)) $(if $(ROLES),--roles $(ROLES)) $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS))

.PHONY: bench-risk-drift
bench-risk-drift: env-tests ## 30 shifts that must raise an alarm, 100 nights that must not
	@$(VENV) -m benchmarks.risk_drift --out "$(or $(OUT),.local/risk_drift.json)"

.PHONY: bench-risk-sandbox
bench-risk-sandbox: env-tests ## How right the scores are on the simulated business, beside its oracle
	@$(VENV) -m benchmarks.risk_sandbox --home "$(or $(BENCH_HOME),.local/risk_sandbox)" --out "$(or $(OUT),.local/risk_sandbox.json)" \
		$(if $(LOCATIONS),--locations $(LOCATIONS)) $(if $(GUESTS),--guests $(GUESTS))

.PHONY: env-bench bench-risk
env-bench: python
	@"$(PYTHON)" config/local/set_up.py bench

DATA ?= ../shared/data
bench-risk: env-bench ## The risk engine on public data beside other libraries: DATA=folder ONLY=telco
	@$(VENV) -m benchmarks.risk_all --data "$(DATA)" $(if $(OUT),--out "$(OUT)") $(if $(ONLY),--only $(ONLY))

.PHONY: bench-risk-speed
bench-risk-speed: env-tests ## How fast scores are made, beside the bare parts: MEMBERS=200000 MONTHS=15
	@$(VENV) -m benchmarks.risk_speed --members "$(or $(MEMBERS),200000)" --months "$(or $(MONTHS),15)" \
		$(if $(OUT),--out "$(OUT)") $(if $(NO_TRAINING),--no-training)

.PHONY: bench-risk-drift-lived
bench-risk-drift-lived: env-tests ## The same watch over a simulated business, night by night
	@$(VENV) -m benchmarks.risk_drift_lived --home "$(or $(BENCH_HOME),.local/risk_drift)" --out "$(or $(OUT),.local/risk_drift_lived.json)"

.PHONY: storm
storm: env-tests ## 10,000 sends while everything is killed: SENDS=10000 KILLS=300 FLUSHES=20 SEED=1 RUNS="neither,naive"
	@$(VENV) -m benchmarks.storm --out "$(or $(OUT),.local/storm.json)" \
		$(if $(SENDS),--sends $(SENDS)) $(if $(KILLS),--kills $(KILLS)) $(if $(FLUSHES),--flushes $(FLUSHES)) \
		$(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs "$(RUNS)") $(if $(KEEP),--keep "$(KEEP)")
