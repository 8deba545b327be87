# The only door: every task of the project is a target here. `make help` is made from the comments behind `##`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
IMAGE ?=
ID ?=
ENV ?= local
EMAIL ?=
GROUP ?=
REGION ?=
APPROVE ?=

UV := .tools/uv/bin/uv
RUN := .venv/bin/python -m
NPM := npm --prefix frontend_react --silent

# ONNX Runtime would report its use to its maker.
export ORT_DISABLE_TELEMETRY := 1

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up: one environment a purpose, each from its pinned and hashed list ------------------------------------------

$(UV): requirements/uv.txt
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer with venv is needed: install it (Debian: apt install python3 python3-venv)," >&2; \
	  echo "or name another interpreter: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@echo "Setting up: the installer (uv)"
	@$(PYTHON) -m venv --clear .tools/uv
	@.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	@touch $@

# $(1) the environment's folder, $(2) its list of packages
define environment
$(1)/.ready: requirements/$(2).txt | $(UV)
	@echo "Setting up: $(1) ($(2))"
	@$(UV) venv --quiet --clear --no-project --python $(PYTHON) $(1)
	@$(UV) pip sync --quiet --require-hashes --python $(1)/bin/python $$<
	@touch $$@
endef

$(eval $(call environment,.venv,dev))
$(eval $(call environment,.tools/ministack,ministack))
$(eval $(call environment,.tools/lambda,lambda-runtime))
$(eval $(call environment,.tools/checkov,checkov))
$(eval $(call environment,.tools/bench,bench))
$(eval $(call environment,.tools/bench-gpu,bench-gpu))
$(eval $(call environment,.tools/endpoint,endpoint))
$(eval $(call environment,.tools/rembg,rembg))
$(eval $(call environment,.tools/training,training))

.PHONY: setup
setup: .venv/.ready .tools/ministack/.ready .tools/lambda/.ready ## Install everything a run needs

NODE := frontend_react/node_modules/.ready
$(NODE): frontend_react/package-lock.json
	@node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major * 100 + +minor < 2019 ? 1 : 0)' \
	  2>/dev/null && command -v npm >/dev/null || { \
	  echo "Node.js 20.19 or newer with npm is needed for the dashboard: https://nodejs.org (make demo does without)." >&2; \
	  exit 1; }
	@echo "Setting up: frontend_react"
	@# Not npm ci, which refuses a lock that lacks other platforms' tools; a registry need not have them all.
	@npm --prefix frontend_react install --no-save --loglevel=error
	@touch $@

.PHONY: browser
browser:
	@command -v chromium >/dev/null || { \
	  command -v apt-get >/dev/null || { \
	    echo "Chromium is needed to test the dashboard: install it, as chromium on PATH." >&2; exit 1; }; \
	  echo "Setting up: chromium"; \
	  as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$as_root apt-get update -qq && $$as_root apt-get install -qq -y --no-install-recommends chromium >/dev/null; }

.PHONY: lock
lock: $(UV) ## Pin the newest allowed packages again, with hashes
	@for list in dev ministack lambda-runtime checkov endpoint rembg uv functions-core functions-imaging inference inference-gpu bench bench-gpu training; do \
	  case $$list in functions-*|inference*|bench*|training) constraint="--constraint requirements/dev.txt";; *) constraint="--upgrade";; esac; \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	    --no-emit-find-links $$constraint requirements/$$list.in --output-file requirements/$$list.txt; \
	done

# --- use --------------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: setup ## Process a photograph from nothing, the real way (IMAGE=path for your own)
	@$(RUN) scripts.local_stack demo $(if $(IMAGE),"$(IMAGE)")

# Folders are named too, for what is removed from them.
frontend_react/dist/index.html: $(NODE) functions/api/openapi.json $(wildcard frontend_react/*.ts frontend_react/*.json) \
    frontend_react/index.html $(shell find frontend_react/src frontend_react/public ! -name schema.d.ts)
	@echo "Building the dashboard"
	@$(NPM) run build

.PHONY: dashboard
dashboard: frontend_react/dist/index.html ## Build the dashboard's pages

.PHONY: run
run: setup dashboard ## Bring the whole stack up on this machine and keep serving (Ctrl-C stops it)
	@$(RUN) scripts.local_stack run

MODEL ?=
.PHONY: models
models: setup ## Fetch a model's weights and use them here (MODEL=u2net, u2net-fp16 in half precision), or list what there is
	@$(RUN) scripts.models $(if $(MODEL),$(MODEL),--list)

.PHONY: resume
resume: setup ## Start pictures that failed or were cut off again (ENV=dev on AWS, ID=image_id for one)
	@$(RUN) scripts.resume --env "$(ENV)" $(if $(ID),--id "$(ID)")

.PHONY: user
user: setup ## Invite a person to sign in (ENV=dev EMAIL=a@b.example, GROUP=name for one of user_groups)
	@$(RUN) scripts.users --env "$(ENV)" --email "$(EMAIL)" $(if $(GROUP),--group "$(GROUP)")

.PHONY: token
token: setup ## Sign in with the browser and print an access token for the API (ENV=dev)
	@$(RUN) scripts.sign_in --env "$(ENV)"

FROM ?=
TO ?=
CANCEL ?=
.PHONY: replay
replay: setup ## Send archived uploads to the workflow once more (ENV=dev FROM=2026-11-20T00:00Z TO=..., or CANCEL=yes)
	@$(RUN) scripts.replay --env "$(ENV)" $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") $(if $(CANCEL),--cancel)

.PHONY: reconcile find-lost
reconcile: setup ## Look now for pictures that nothing has happened to (ENV=dev)
	@$(RUN) scripts.reconcile --env "$(ENV)"
find-lost: setup ## Start uploads of which no event came, by a list of the whole bucket (ENV=dev FROM=2026-11-20)
	@$(RUN) scripts.find_lost --env "$(ENV)" $(if $(FROM),--from "$(FROM)")

QUEUE ?= dead-letter
DRY_RUN ?=
DISCARD ?=
.PHONY: redrive
redrive: setup ## Send what a queue keeps where it was meant to go (ENV=dev QUEUE=dead-letter|undelivered DRY_RUN=yes)
	@$(RUN) scripts.redrive --env "$(ENV)" $(if $(DRY_RUN),--dry-run) $(if $(DISCARD),--discard "$(DISCARD)") "$(QUEUE)"

# --- check ------------------------------------------------------------------------------------------------------------

.PHONY: test
test: setup .tools/checkov/.ready .tools/endpoint/.ready build dashboard browser ## Set everything up and run every test
	@$(NPM) test
	@$(RUN) pytest -n 2

.PHONY: lint
lint: .venv/.ready $(NODE) ## Style, types and the direction of imports
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(NPM) run lint

.PHONY: check
check: lint test ## What CI runs: lint, then every test

.PHONY: format
format: .venv/.ready $(NODE) ## Format the code
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix . && terraform fmt -recursive terraform && $(NPM) run format

SHARP := tests/benchmarks/sharp
$(SHARP)/node_modules/.ready: $(SHARP)/package-lock.json
	@npm ci --prefix $(SHARP) --silent --no-audit --no-fund && touch $@

.PHONY: bench
bench: .tools/bench/.ready .tools/rembg/.ready $(SHARP)/node_modules/.ready ## Measure against the peers (ONLY="B3 B4" for some; needs Node.js)
	@! nvidia-smi -L >/dev/null 2>&1 || $(MAKE) --no-print-directory .tools/bench-gpu/.ready
	@.tools/bench/bin/python -m tests.benchmarks $(ONLY)

COUNT ?= 100000
.PHONY: fuzz
fuzz: setup ## Send mutated pictures through the steps that decode (COUNT=100000)
	@$(RUN) tests.fuzz --count $(COUNT)

STEPS ?= 6000
.PHONY: train
train: .tools/training/.ready ## Train the bundled model, or go on (STEPS=6000 in all; on a GPU where there is one), and write its file
	@.tools/training/bin/python -m inference_image.training.train --steps $(STEPS)
	@.tools/training/bin/python -m inference_image.training.export

PICTURES ?=
.PHONY: contact-sheet
contact-sheet: setup ## Lay every output of some pictures on one sheet (PICTURES="a.jpg b.png")
	@$(RUN) scripts.contact_sheet $(PICTURES)

.PHONY: screenshots
screenshots: setup dashboard browser ## Photograph every page, light and dark, on a desk and on a phone, into .screenshots/
	@$(RUN) tests.browser.screenshots

.PHONY: openapi
openapi: .venv/.ready ## Write the API's document again from its routes
	@$(RUN) scripts.export_openapi

PRICED := $(filter-out local,$(ENV))
.PHONY: cost
cost: setup ## What 1,000 pictures and an idle month cost on AWS, in each tier (ENV=dev)
	@$(RUN) scripts.cost $(if $(PRICED),--env "$(PRICED)")

# --- deploy -----------------------------------------------------------------------------------------------------------

.PHONY: build
build: setup ## Build the functions' bundles and layers, for AWS and for this machine
	@$(RUN) scripts.build

ON_AWS := $(filter-out local %.private,$(basename $(notdir $(wildcard terraform/environments/*.tfvars))))
.PHONY: on-aws
on-aws:
	@$(if $(filter $(ENV),$(ON_AWS)),,echo "Which environment on AWS? Name one, such as ENV=dev. There are: $(ON_AWS)." >&2; exit 1)

# REGION= puts an environment into another region than its own, beside it. APPROVE=yes asks nothing.
IN_REGION = $(if $(REGION),--region "$(REGION)")
DEPLOYMENT = $(ENV) $(IN_REGION) $(if $(filter yes,$(APPROVE)),--approve)
SIGNING_KEY = $(RUN) scripts.signing_key --env "$(ENV)" $(IN_REGION)
TAGGED = TF_VAR_inference_image_tag="$$($(RUN) scripts.image tag)"

.PHONY: preflight plan deploy destroy terraform
preflight: on-aws build ## Check what a deployment needs, and say how to get it (ENV=dev)
	@$(TAGGED) $(RUN) scripts.preflight $(ENV) $(IN_REGION)
plan: on-aws build ## Show what would change on AWS, and keep the plan (ENV=dev, REGION=eu-west-1)
	@$(TAGGED) $(RUN) scripts.preflight $(ENV) $(IN_REGION) || echo "The plan is shown all the same."
	@$(SIGNING_KEY) --unless-there
	@$(TAGGED) $(RUN) scripts.terraform plan $(DEPLOYMENT)
deploy: preflight ## Bring an environment on AWS up to date (ENV=dev, APPROVE=yes takes the kept plan and asks nothing)
	@$(TAGGED) $(RUN) scripts.terraform repository $(DEPLOYMENT)
	@$(MAKE) --no-print-directory image
	@$(SIGNING_KEY) --unless-there
	@$(TAGGED) $(RUN) scripts.terraform deploy $(DEPLOYMENT)
	@$(MAKE) --no-print-directory site
destroy: on-aws build ## Remove an environment from AWS with all its data, after you approve (ENV=dev)
	@$(TAGGED) $(RUN) scripts.terraform destroy $(DEPLOYMENT)
COMMAND ?= state list
terraform: on-aws setup ## Run Terraform on an environment's state (ENV=dev COMMAND="state list")
	@$(TAGGED) $(RUN) scripts.terraform run $(DEPLOYMENT) --do "$(COMMAND)"

.PHONY: image site
image: setup ## Build the inference image and push it, unless the environment's repository has it (ENV=dev)
	@$(RUN) scripts.image push --env "$(ENV)"
site: setup dashboard ## Publish the dashboard's pages (ENV=dev)
	@$(RUN) scripts.site --env "$(ENV)"

DO ?= smoke
REQUESTS ?= 50
CONCURRENCY ?= 4
OF_ENDPOINT := $(if $(filter smoke benchmark,$(DO)),$(if $(IMAGE),--image "$(IMAGE)")) \
  $(if $(filter benchmark,$(DO)),--requests $(REQUESTS) --concurrency $(CONCURRENCY))
.PHONY: endpoint
endpoint: setup .tools/endpoint/.ready ## Try what makes the masks (DO=smoke), time it (DO=benchmark REQUESTS=50), or give it weights (DO=publish MODEL=u2net)
	@.tools/endpoint/bin/python -m scripts.endpoint $(DO) --env "$(ENV)" $(OF_ENDPOINT) $(if $(filter publish,$(DO)),$(MODEL))

.PHONY: signing-key
signing-key: setup ## Make the key that signs URLs of results, or the next one (ENV=dev; REMOVE=yes takes all away)
	@$(SIGNING_KEY) $(if $(REMOVE),--remove)

.PHONY: clean
clean: ## Remove what was built and the local stack's data (environments stay)
	@if [ -d .local ] && [ -x .venv/bin/python ]; then $(RUN) scripts.local_stack down; fi
	@rm -rf .build .local .screenshots frontend_react/dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
