#!/usr/bin/env bash
# What has gathered in changelog/ since the last release.
#
#   scripts/changelog.sh              prints it
#   scripts/changelog.sh --release    moves it to the head of CHANGELOG.md's newest section
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repo_dir"

fragments() { find changelog -name '*.md' ! -name README.md | sort; }

gathered() {
  local file
  while read -r file; do
    cat "$file"
  done < <(fragments)
}

move_to_changelog() {
  local heading new
  heading=$(grep -m 1 -n '^## ' CHANGELOG.md | cut -d: -f1)
  new=$(mktemp)
  {
    head -n "$((heading + 1))" CHANGELOG.md
    gathered
    tail -n "+$((heading + 2))" CHANGELOG.md
  } >"$new"
  mv "$new" CHANGELOG.md
  fragments | xargs -r rm --
}

case ${1:-} in
  "") gathered ;;
  --release) move_to_changelog ;;
  *)
    say "usage: $0 [--release]"
    exit 2
    ;;
esac
