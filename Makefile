# Two commands: `make run` and `make test`. Everything else is for those who work on the product.
SHELL := /bin/sh
VENV ?= .venv
PY := $(VENV)/bin/python
FIELDCRM := $(VENV)/bin/fieldcrm

# An install is nine processes that load the same modules: where compiling each anew was asked for, it took
# half of a start and a quarter of the tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check format install install-dev clean

run: install  ## start everything; Ctrl-C stops it
	@exec $(FIELDCRM) up

test: install-dev  ## every test
	@$(PY) -m pytest -n 2 --dist loadfile || sh .ci/once-more "$(VENV)" $$?

check: install-dev  ## format, lint, types, import contracts
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/basedpyright

format: install-dev
	@$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

install: $(VENV)/installed

install-dev: $(VENV)/installed-dev

# A stamp holds the sum of what was asked for, so that a changed dependency is installed, once.
$(VENV)/installed: pyproject.toml requirements.lock .ci/bootstrap
	@sh .ci/bootstrap "$(VENV)"

$(VENV)/installed-dev: $(VENV)/installed .ci/system-tools
	@sh .ci/bootstrap "$(VENV)" dev
	@sh .ci/system-tools "$(VENV)"
	@touch $@

clean:
	rm -rf $(VENV) .web build *.egg-info
