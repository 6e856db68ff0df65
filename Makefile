# The commands of this repository. Each sets up what is missing first; see docs/install.md. GPU=auto, vulkan,
# cuda, hip or none says which backend a private llama.cpp is to have: GPU=cuda make demo.

.PHONY: build demo test test-gpu bundle wheel profile coverage format lint clean help

build: ## build sweetspot and its workers into build/bin/ (the default)
	@scripts/build.sh

demo: ## make a 1.1B model and profile it on the devices of this machine
	@scripts/demo.sh

test: ## build and run all tests
	@scripts/test.sh

test-gpu: ## the whole product on this machine's GPU, judged by others: make test-gpu [ARGS="--allow-software"]
	@scripts/build.sh test
	@/usr/bin/python3 tests/hardware/gpu_check.py $(ARGS)

bundle: ## one archive that runs on other machines: build/sweetspot-VERSION-linux-x86_64.tar.xz
	@scripts/bundle.sh

wheel: ## the Python package with libsweetspot inside, for pip install: build/sweetspot-VERSION-py3-none-linux_x86_64.whl
	@scripts/build-wheel.sh

profile: build ## profile your own model: make profile MODEL=/path/to.gguf [ARGS="--full"]
	@test -n "$(MODEL)" || { echo 'usage: make profile MODEL=/path/to.gguf [ARGS="--full"]' >&2; exit 2; }
	@build/bin/sweetspot profile "$(MODEL)" $(ARGS)

coverage: ## which lines of src/ the tests run: one row per room
	@scripts/coverage.sh

format: ## clang-format our sources in place
	@scripts/lint.sh --fix-format

lint: ## clang-format, clang-tidy, mypy and shellcheck; any finding is an error
	@scripts/lint.sh

clean: ## remove build/ (the private llama.cpp and the demo model in .deps/ stay)
	@rm -rf build

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r target what; do printf '%-15s %s\n' "$$target" "$$what"; done
