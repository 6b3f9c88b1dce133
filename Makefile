# Two commands matter: `make demo` and `make test`. Both make .venv from constraints.txt first.
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
DATA ?= ../shared/data
SCENES := out/scenes
VLLM := .venv-vllm
SMALL_MODEL := out/vllm/smollm2-135m-instruct

.DEFAULT_GOAL := help
.PHONY: help demo test vllm-env test-vllm browser fix check bench bench-quality bench-build bench-pairs bench-ray bench-rewrite bench-report bench-fit bench-peers bench-processes scaling bench-eval claims cards pictures docs lexicon depiction constraints clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.run

$(VENV)/.train: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[train]'
	@touch $@ $(VENV)/.run

$(VENV)/.bench: pyproject.toml constraints.txt | $(VENV)/.dev
	$(PIP) -e '.[bench]'
	@touch $@

demo: $(VENV)/.train  ## build a data set and check it; then train and evaluate on the pictures of Scenes, before and after
	$(BIN)/tripletgen build --out out/demo --overwrite --workers 2
	$(BIN)/tripletgen check out/demo
	$(BIN)/rtd_train scenes --out $(SCENES) --captions 3000
	$(BIN)/tripletgen build $(SCENES)/captions.txt --out $(SCENES)/triplets --licence CC0-1.0 --workers 2 --overwrite --quiet
	$(BIN)/rtd_train fit-phi $(SCENES)/captions.txt --backbone $(SCENES)/clip --out $(SCENES)/phi.safetensors \
		--steps 200 --batch-size 128 --lr 1e-3 --device cpu --cache $(SCENES)/cache --overwrite
	$(BIN)/rtd_train fit $(SCENES)/triplets --backbone $(SCENES)/clip --phi $(SCENES)/phi.safetensors --out $(SCENES)/run \
		--steps 100 --batch-size 128 --lora-rank 8 --lr 3e-4 --device cpu --cache $(SCENES)/cache --overwrite
	$(BIN)/rtd_train eval scenes --backbone $(SCENES)/clip --phi $(SCENES)/phi.safetensors --text-encoder $(SCENES)/run/text_encoder \
		--baseline --sheet $(SCENES)/sheet.html --out $(SCENES)/result.json

test: $(VENV)/.dev check browser  ## lint, types, import contracts, tests
	$(BIN)/python -m pytest -n 2 --dist worksteal -rs

# Never fails: without a browser its tests are skipped, and say so.
browser:  ## install Chromium for the tests of the report, where it is missing: on Debian, as root
	@command -v chromedriver >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && export DEBIAN_FRONTEND=noninteractive && \
		{ apt-get update -qq; apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core >/dev/null; } \
	} || echo "no browser, and none can be installed here: the report's tests in a browser will be skipped"

$(VLLM)/.ready: pyproject.toml constraints-vllm.txt
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-vllm.txt torch
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r constraints-vllm.txt
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(SMALL_MODEL)/config.json: tests/vllm/small_model.py | $(VLLM)/.ready
	$(VLLM)/bin/python -m tests.vllm.small_model $(SMALL_MODEL)

vllm-env: $(VLLM)/.ready $(SMALL_MODEL)/config.json  ## make the environment of the real engine, and fetch the small model

test-vllm: vllm-env  ## rewriting with the real vLLM engine and a real small model, on the CPU
	DATA=$(DATA) $(VLLM)/bin/python -m pytest tests/vllm

check: $(VENV)/.dev  ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/.dev  ## format and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench-eval: $(VENV)/.bench  ## speed and memory of the metrics and of a large search
	$(BIN)/python benchmarks/eval.py

claims: $(VENV)/.bench  ## the claims of RTD on Scenes, five seeds; a quarter of an hour on two cores
	$(BIN)/python benchmarks/claims.py --work out/claims --doc docs/claims.md

bench: bench-quality bench-build bench-pairs bench-ray bench-report bench-fit bench-processes bench-peers bench-eval  ## every figure of the README

bench-quality: $(VENV)/.bench  ## quality of the triplets of a CC3M build
	$(BIN)/python benchmarks/triplet_quality.py --data $(DATA)

bench-build: $(VENV)/.bench  ## speed and memory of a build
	$(BIN)/python benchmarks/build.py --data $(DATA)

bench-pairs: $(VENV)/.bench  ## speed, memory and yield of mined pairs
	$(BIN)/python benchmarks/pairs.py --data $(DATA)

bench-ray: $(VENV)/.bench  ## overhead, growth and memory of a build on Ray, beside the local engine
	$(BIN)/python benchmarks/cluster.py --data $(DATA)

bench-rewrite: $(VLLM)/.ready $(SMALL_MODEL)/config.json  ## speed of the rewriting stage against a bare engine
	VLLM_CPU_KVCACHE_SPACE=2 VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1 $(VLLM)/bin/python benchmarks/rewrite.py --model $(SMALL_MODEL)

bench-fit: $(VENV)/.bench  ## speed and memory of a training step
	$(BIN)/python benchmarks/fit_step.py --data $(DATA)

bench-processes: $(VENV)/.bench  ## how training grows from one process to two
	$(BIN)/python benchmarks/fit_scaling.py --data $(DATA)

bench-peers: $(VENV)/.bench  ## the same edit work in datasets, datatrove and distilabel, each in its own environment
	$(BIN)/python benchmarks/peers.py --data $(DATA)

scaling: $(VENV)/.bench  ## measure what a caption costs one core, and write the tables of docs/scaling.md
	$(BIN)/python benchmarks/rates.py --data $(DATA)
	$(BIN)/python benchmarks/scaling.py --write docs/scaling.md

docs: $(VENV)/.dev  ## write docs/cli.md and docs/rtd_train.md from the commands themselves
	$(BIN)/python -m typer tripletgen.cli.app utils docs --name tripletgen --output docs/cli.md
	$(BIN)/python -m typer rtd_train.cli.app utils docs --name rtd_train --output docs/rtd_train.md

cards: $(VENV)/.dev  ## fill the cards that are kept in data_cards/ from fresh builds
	$(BIN)/tripletgen build --out out/demo --overwrite --workers 2 --quiet
	cp out/demo/README.md data_cards/demo.md
	$(BIN)/tripletgen build $(abspath $(DATA))/captions/cc3m_val.tsv --licence LicenseRef-CC3M --out out/cc3m-val --overwrite --workers 2 --quiet \
		$(foreach name,circo cirr fashioniq genecis,--decontaminate $(abspath $(DATA))/$(name))
	cp out/cc3m-val/README.md data_cards/cc3m-val.md

pictures: $(VENV)/.dev browser  ## take the pictures of the README
	$(BIN)/tripletgen build --out out/demo --overwrite --workers 2 --quiet
	$(BIN)/python benchmarks/pictures.py out/demo

bench-report: $(VENV)/.dev  ## time, memory and size of a report of half a million rows
	$(BIN)/python benchmarks/report_size.py

lexicon: $(VENV)/.dev  ## compute what follows from the word lists: plurals.json, verbs.json and seen.json
	$(BIN)/python -m tripletgen.lexicon.regenerate

depiction: $(VENV)/.bench  ## compute the weights that tell descriptions from other texts
	$(BIN)/python benchmarks/depiction.py --data $(DATA) --write

constraints:  ## pin what a fresh environment resolves to
	$(PYTHON) -m venv $(VENV)-pins
	$(VENV)-pins/bin/pip install --quiet -c <(grep -E '^(torch|transformers)==' constraints.txt) -e '.[dev]'
	$(VENV)-pins/bin/pip freeze --exclude-editable > constraints.new
	@echo "compare constraints.new with constraints.txt"

clean:  ## remove the environment and what was built
	rm -rf $(VENV) $(VENV)-pins $(VLLM) out dist
