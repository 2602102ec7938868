# Two commands matter: `make demo` shows it, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench simulate crashes serve venv fmt clean

venv: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[charts,s3,test]'
	@touch $@

demo: venv ## Play three recorded alerts through the real door and show the messages growing
	@$(BIN)/responder demo

serve: venv ## Run the server with responder.yaml, if there is one
	@$(BIN)/responder serve

fmt: venv
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: venv ## Formatting, lint, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## Everything that proves the project
	sh tests/servers.sh
	$(BIN)/pytest -n $(or $(JOBS),2) --dist worksteal

bench: venv ## Figures, each beside a baseline of the same run
	$(BIN)/python -m tests.benchmarks

simulate: venv ## Tell stories in which processes die anywhere: make simulate SEEDS=20000
	$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),20000) --first $(or $(FIRST),0) --jobs $(or $(JOBS),2)

crashes: venv ## Kill, freeze and cut off real processes at every point of an action: the whole matrix
	CRASHES=all $(BIN)/pytest tests/crashes

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
