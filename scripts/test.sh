#!/usr/bin/env bash
# Set-up, build, then the whole test suite, those that run alone first. Arguments go to ctest (-R name, -LE slow, ...).
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

"$repo_dir/scripts/build.sh" test
cd "$repo_dir"
ctest --preset ci "$@" </dev/null
