# Everything a newcomer types. Each target sets up what it needs: `make demo` on a fresh machine works.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
LOCKS := requirements/build.txt requirements/runtime.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PIP_COMPILE = .cache/lock/bin/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes \
	--no-header --no-emit-index-url --no-emit-trusted-host --no-emit-options
PYTEST_ARGS ?=
DASHBOARDS := deploy/helm/callsla/files/dashboards
SEEDS ?= 5
FIRST ?= 1
ROUNDS ?= 3
EVENTS ?= 1000000
ENGINES_ARGS ?= --write
BASE ?=
PAIRS ?= 7
CHECK_ARGS ?=
ENGINES := PYTHONPATH=tests/bench:tests/integration:tests/ledger $(BIN)/python
LIMITS ?= $(addprefix bench_,quiet.py latency.py memory.py scale.py scrape.py)
FUZZ_ARGS ?= all --count 20000

.PHONY: help demo test check bench bench-check bench-engines bench-limits chaos simulate months fuzz venv dev kernel parts \
	format lock lock-peers schema dashboards chart-docs chart-golden clean cluster test-cluster \
	test-image test-compose \
	test-upgrade newcomer audit

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: venv ## watch a call centre keep and break its promise
	@$(BIN)/callsla demo $(DEMO_ARGS)

# Two at a time, a file's tests together and in the order of the folders: many only wait, and the
# longest file comes early. One after the other: PYTEST_ARGS=-n0.
test: dev parts ## every test, on real Kafka, Prometheus and Alertmanager where they can be had
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: $(VENV)/.dev ## style, types, imports, schemas, dashboards, house rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/callsla schema check
	$(BIN)/callsla slo generate deploy/helm/callsla/files/slo.yaml --check --to deploy/helm/callsla/files
	$(BIN)/callsla slo dashboards --check --to $(DASHBOARDS)
	$(BIN)/python deploy/helm/values_readme.py --check
	$(BIN)/python -m pytest --quiet tests/test_house.py

test-image: dev ## build the image twice without a container engine (as root), compare, run it
	@command -v bwrap >/dev/null || apt-get install -qq --yes --no-install-recommends bubblewrap
	$(BIN)/python -m pytest $(PYTEST_ARGS) tests/image/check_image.py

test-compose: dev parts ## deploy/compose without a container engine: everything up, and an outage told
	@bwrap --dev-bind / / --proc /proc --unshare-net --unshare-pid --die-with-parent -- \
		$(BIN)/python tests/compose/engine.py

audit: .cache/audit/bin/pip-audit ## known vulnerabilities of what is locked (asks the index of advisories)
	@for lock in runtime build kernel sbom; do echo "== $$lock" >&2; \
		.cache/audit/bin/pip-audit --strict --progress-spinner off --disable-pip --require-hashes \
			--requirement requirements/$$lock.txt || { echo "(a package that is \"not found on PyPI\":" \
			"its JSON interface cannot be asked from here)" >&2; exit 1; }; done

soak: dev parts ## twenty minutes at 5,000 events a second with a faulty feed: memory and latency flat
	@PYTHONPATH=tests/integration $(BIN)/python tests/bench/soak.py $(SOAK_ARGS)

bench: dev parts ## benchmarks (tests/bench), with what they measured
	-@$(MAKE) --no-print-directory bench-limits LIMITS="$(notdir $(wildcard tests/bench/bench_*.py))"
	@$(MAKE) --no-print-directory bench-engines

bench-limits: dev parts ## what a quiet worker, latency, memory, scale and scrapes cost, against the bars
	@status=0; for bench in $(LIMITS); do \
		echo "== $$bench"; \
		PYTHONPATH=tests/metrics $(BIN)/python "tests/bench/$$bench" || status=$$?; \
	done; exit $$status

bench-engines: dev parts ## callsla and its peers on real Kafka: ROUNDS=3 EVENTS=1000000
	@$(ENGINES) tests/bench/engines/bench.py --rounds $(ROUNDS) --events $(EVENTS) $(ENGINES_ARGS)

bench-check: dev parts ## speed against the last release: BASE=commit PAIRS=7
	@$(ENGINES) tests/bench/engines/check.py --base "$(BASE)" --pairs $(PAIRS) $(CHECK_ARGS)

fuzz: dev ## damaged input for every reader (FUZZ_ARGS="slo --count 1000000 --seed 7")
	@nice -n 15 $(BIN)/python tests/fuzz/run.py $(FUZZ_ARGS)

months: dev parts ## a healthy month without a page, and one in which every outage is told (half an hour)
	@PYTHONPATH=tests/integration:tests/metrics:tests/slo $(BIN)/python tests/slo/months.py \
		$(MONTHS_ARGS)

simulate: SEEDS = 5000
simulate: dev ## the Kafka edge under simulated faults: SEEDS=how many, FIRST=which one first
	@$(BIN)/python tests/simulation/simulate.py --first $(FIRST) --seeds $(SEEDS) \
		--jobs $$(nproc) $(SIMULATE_ARGS)

cluster: ## Kubernetes' API server and controllers, built once from their sources, and etcd
	@.ci/cluster

test-cluster: dev parts cluster ## the chart on a real API server; what needs Kubernetes
	CALLSLA_CLUSTER=true $(BIN)/python -m pytest tests/cluster $(PYTEST_ARGS)

newcomer: dev parts cluster ## from helm install to the first correct number, by the clock
	@PYTHONPATH=tests/integration $(BIN)/python tests/cluster/newcomer.py

test-upgrade: dev parts ## the former release's workers exchanged for today's, and back: SEEDS, FIRST
	@$(BIN)/python tests/chaos/chaos.py --upgrade-from --seed $(FIRST) --seeds $(SEEDS)

chaos: dev parts ## faults on real Kafka: SEEDS=how many, FIRST=which one first
	@$(BIN)/python tests/chaos/chaos.py --seed $(FIRST) --seeds $(SEEDS) $(CHAOS_ARGS)

venv: kernel ## the command: .venv/bin/callsla

dev: $(VENV)/.dev kernel ## the command and the tools of its developers

kernel: $(VENV)/.runtime # the ledger compiled, if it can be
	@.ci/kernel $(VENV)

parts: ## Kafka's jars, Prometheus, Alertmanager: what the tests run against
	@.ci/parts

format: $(VENV)/.dev ## bring the style in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(VENV)/.dev ## write schemas/ anew from the types
	$(BIN)/callsla schema write

dashboards: dev ## write Grafana's dashboards anew
	$(BIN)/callsla slo dashboards --to $(DASHBOARDS)

chart-docs: $(VENV)/.dev ## write the table of values in the chart's README anew
	$(BIN)/python deploy/helm/values_readme.py

chart-golden: dev parts ## write what the chart renders anew, to be looked at in the difference
	PYTHONPATH=tests/deploy/chart:tests/integration $(BIN)/python tests/deploy/chart/chart_golden.py

lock: .cache/lock/bin/pip-compile ## pin requirements/ anew from pyproject.toml
	$(PIP_COMPILE) --only-build-deps --build-deps-for wheel --build-deps-for editable \
		--output-file requirements/build.txt pyproject.toml
	$(PIP_COMPILE) --output-file requirements/runtime.txt pyproject.toml
	$(PIP_COMPILE) --only-build-deps --build-deps-for wheel \
		--constraint requirements/runtime.txt --output-file requirements/kernel.txt \
		deploy/kernel/pyproject.toml
	$(PIP_COMPILE) --output-file requirements/sbom.txt deploy/docker/sbom.in
	$(PIP_COMPILE) --extra dev --constraint requirements/runtime.txt \
		--constraint requirements/build.txt --constraint requirements/kernel.txt \
		--output-file requirements/dev.txt pyproject.toml

lock-peers: .cache/lock/bin/pip-compile ## pin the peers of the benchmarks anew
	cd tests/bench/peers; for peer in bytewax faust quix; do ../../../$(PIP_COMPILE) \
		--output-file $$peer/requirements.txt $$peer/requirements.in; done

clean: ## remove what the other targets made
	rm -rf $(VENV) .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find streams tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@.ci/python -m venv $(VENV)

$(VENV)/.runtime: $(LOCKS) pyproject.toml | $(BIN)/python
	@echo "Installing callsla into $(VENV) ..." >&2
	@$(PIP) install --require-hashes $(LOCKS:%=-r %)
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "Installing the developers' tools into $(VENV) ..." >&2
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

.cache/audit/bin/pip-audit:
	@.ci/python -m venv .cache/audit
	@.cache/audit/bin/python -m pip --disable-pip-version-check --quiet install pip-audit

.cache/lock/bin/pip-compile:
	@.ci/python -m venv .cache/lock
	@.cache/lock/bin/python -m pip --disable-pip-version-check --quiet install pip-tools
