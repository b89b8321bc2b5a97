# The menu. Every target prepares .venv by itself; nothing is installed anywhere else.
# Paths are relative throughout, so that the project may lie under a path with spaces.

PYTHON_HERE := .venv/bin/python
# e.g. make test TESTS=tests/test_losses.py, make test PYTEST_FLAGS="-x -k huber"
TESTS := tests
PYTEST_FLAGS :=
# mypy and import-linter read the sources, the tests read what is installed.
prepare = @sh tools/preflight tools/install.py

.PHONY: menu demo test test-long lint format clean

menu:
	@echo "make demo       trains a network on real data, judges it, saves it and uses it"
	@echo "make test       the tests, in some minutes"
	@echo "make test-long  the tests that take longer"
	@echo "make lint       style, types, the one-way order of the rooms, C++ format"
	@echo "make format     rewrites Python and C++ in the house style"
	@echo "make clean      removes .venv, build and caches"
	@echo "PYTHON= names a Python, CXX= a compiler, DELTARULE_PURE=1 leaves the compiled core out."

demo:
	$(prepare)
	@.venv/bin/deltarule demo --notes
	@.venv/bin/deltarule demo

test:
	$(prepare) test
	@$(PYTHON_HERE) -m pytest -n 2 --doctest-modules --pyargs $(TESTS) deltarule $(PYTEST_FLAGS)

test-long:
	$(prepare) test
	@$(PYTHON_HERE) -m pytest -n 2 -m long $(TESTS) $(PYTEST_FLAGS)

lint:
	$(prepare) --libraries-only lint
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@PYTHONPATH=src .venv/bin/lint-imports --no-cache
	@find cpp -name '*.?pp' -print0 | xargs -0 .venv/bin/clang-format --dry-run -Werror

format:
	$(prepare) --libraries-only lint
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .
	@find cpp -name '*.?pp' -print0 | xargs -0 .venv/bin/clang-format -i

clean:
	rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .hypothesis
