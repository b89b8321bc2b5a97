# The menu. Every target prepares .venv by itself; nothing is installed anywhere else.
# Paths are relative throughout, so that the project may lie under a path with spaces.

PYTHON_HERE := .venv/bin/python
# e.g. make test TESTS=tests/test_losses.py, make test PYTEST_FLAGS="-x -k huber"
TESTS := tests
PYTEST_FLAGS :=
# Of the installed package, all but engines/compiled.py where there is no core to import.
DOCTESTS := --doctest-modules --doctest-ignore-import-errors --pyargs deltarule
# mypy and import-linter read the sources, the tests read what is installed.
prepare = @sh tools/preflight tools/install.py

# Targets share .venv and build, so they run one after another, with make -j too.
.NOTPARALLEL:
.PHONY: menu demo test test-long test-web web core-test test-aarch64 sanitize lint bench bench-quick bench-rivals bench-images bench-tables choices sklearn-defects docs fuzz format clean

menu:
	@echo "make demo       trains a network on real data, judges it, saves it and uses it"
	@echo "make test       the tests, in some minutes"
	@echo "make test-long  the tests that take longer"
	@echo "make test-web   the playground's page in a real browser (Debian: apt-get install chromium)"
	@echo "make web        builds the page and its WebAssembly core anew (Node with npm; emscripten)"
	@echo "make core-test  the C++ tests of the compiled core alone"
	@echo "make sanitize   the core under AddressSanitizer, UBSan, ThreadSanitizer and valgrind"
	@echo "make test-aarch64  the C++ tests on an imagined ARM machine, by Debian's cross compiler and qemu"
	@echo "make lint       style, types, the one-way order of the rooms, C++ format"
	@echo "make bench      times against every rival that is installed, in one run; writes the docs"
	@echo "                bench-quick takes the short rows; bench-rivals installs torch, JAX and ONNX"
	@echo "                Runtime into an environment of their own (FANN: apt-get install libfann-dev)"
	@echo "make bench-images  MNIST and Fashion-MNIST, in some minutes; writes docs/images.md"
	@echo "make bench-tables  the tabular estimators beside scikit-learn's, half an hour; writes docs/tables.md"
	@echo "make choices    measures what docs/how-to-choose.md says, in some minutes; writes it and its figures"
	@echo "make sklearn-defects  which of S1 to S12 the installed scikit-learn shows, measured now"
	@echo "make docs       writes the measured tables and charts into README and docs"
	@echo "make fuzz       changes model files at random places and holds the reader to it"
	@echo "make format     rewrites Python and C++ in the house style"
	@echo "make clean      removes .venv, .venv-rivals, build and caches"
	@echo "PYTHON= names a Python, CXX= a compiler, DELTARULE_PURE=1 leaves the compiled core out."

# With matplotlib, so that the demo can draw its curve.
demo:
	$(prepare) plot
	@.venv/bin/deltarule demo --notes
	@.venv/bin/deltarule demo

test: core-test
	$(prepare) test
	@$(PYTHON_HERE) -m pytest -n 2 $(DOCTESTS) $(TESTS) --ignore=tests/web $(PYTEST_FLAGS)

test-long: core-test
	$(prepare) test
	@$(PYTHON_HERE) -m pytest -n 2 -m long $(TESTS) --ignore=tests/web $(PYTEST_FLAGS)
	@if test -x build/make/cpp/tests/every_float; then build/make/cpp/tests/every_float; fi
	@$(PYTHON_HERE) tools/every_isa.py
	$(prepare) test web
	@$(PYTHON_HERE) -m pytest -m long tests/web $(PYTEST_FLAGS)

# One worker: the browser takes the other core. The page that is in the tree, as users get it: `make web` builds it anew.
test-web:
	$(prepare) test web
	@$(PYTHON_HERE) tools/page.py --check
	@$(PYTHON_HERE) -m pytest tests/web $(PYTEST_FLAGS)

web:
	$(prepare) test
	@$(PYTHON_HERE) tools/page.py

# In the tree that built the module, so that only the tests are left to compile.
core-test:
	$(prepare)
	@if ls .venv/lib/python*/site-packages/deltarule/_core*.so >/dev/null 2>&1; then \
		PATH="$$PWD/.venv/bin:$$PATH" && export PATH && \
		cmake -S . -B build/make -DDELTARULE_TESTS=ON >/dev/null && \
		cmake --build build/make && \
		ctest --test-dir build/make --no-tests=error --output-on-failure; \
	else \
		echo "The compiled core is not installed: its C++ tests are left out."; \
	fi

# SANITIZERS="address thread valgrind" names a part.
sanitize: core-test
	$(prepare) test
	@$(PYTHON_HERE) tools/sanitize.py $(SANITIZERS)

test-aarch64:
	$(prepare)
	@$(PYTHON_HERE) tools/aarch64.py

# With matplotlib, so that the charts can be drawn. The result, the tables and the charts are written.
bench:
	$(prepare) plot
	@$(PYTHON_HERE) benchmarks/run.py

bench-quick:
	$(prepare)
	@$(PYTHON_HERE) benchmarks/run.py --quick

bench-rivals:
	$(prepare)
	@$(PYTHON_HERE) benchmarks/rivals.py

# Six trainings of a minute, and with CHOOSE=--choose those of the candidates in their place.
bench-images:
	$(prepare)
	@$(PYTHON_HERE) benchmarks/images.py $(CHOOSE)

# The tables come from the folder DELTARULE_DATA, or from OpenML.
bench-tables:
	$(prepare) data
	@$(PYTHON_HERE) benchmarks/tabular.py

# With matplotlib, so that the figures can be drawn. The result, the page and the figures are written.
choices:
	$(prepare) plot
	@$(PYTHON_HERE) benchmarks/choices.py

lint:
	$(prepare) --libraries-only lint
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@PYTHONPATH=src .venv/bin/lint-imports --no-cache
	@find cpp -name '*.?pp' -print0 | xargs -0 .venv/bin/clang-format --dry-run -Werror

fuzz:
	$(prepare)
	@$(PYTHON_HERE) attacks/fuzz.py 10000 1

# A finding about a rival, not a test: nothing fails, whatever it shows.
sklearn-defects:
	$(prepare)
	@$(PYTHON_HERE) tools/sklearn_defects.py

# Every number in README and docs comes from the newest JSON in benchmarks/results, those of
# docs/how-to-choose.md from choices.json there, those of docs/playground.md from playground.json,
# those of docs/images.md from images.json.
docs:
	$(prepare) plot
	@$(PYTHON_HERE) benchmarks/tables.py
	@$(PYTHON_HERE) benchmarks/choice_texts.py
	@$(PYTHON_HERE) benchmarks/playground_texts.py
	@$(PYTHON_HERE) benchmarks/image_texts.py
	@$(PYTHON_HERE) benchmarks/tabular_texts.py

format:
	$(prepare) --libraries-only lint
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .
	@find cpp -name '*.?pp' -print0 | xargs -0 .venv/bin/clang-format -i

clean:
	rm -rf .venv .venv-rivals build .pytest_cache .mypy_cache .ruff_cache .hypothesis
