#!/usr/bin/env bash
# Tells the dashboard where its API is and how people sign in: writes config.json, which is all that differs between
# environments.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/update-frontend-config.sh [ENV [FILE]]

Write where the API of the environment ENV (dev) is, and how people sign in, to FILE (frontend_react/dist/config.json).
ENV is a deployed environment of terraform/environments/, or "local" for the running local stack.
USAGE
}

fail() {
  echo "$1" >&2
  exit 1
}

case "${1:-}" in
  -h | --help) usage; exit ;;
  -*) usage >&2; exit 2 ;;
esac
(($# <= 2)) || { usage >&2; exit 2; }

project=$(cd "$(dirname "$0")/.." && pwd)
environment=${1:-dev}
file=${2:-$project/frontend_react/dist/config.json}

outputs=$(cd "$project" && .venv/bin/python -m scripts.deployment --env "$environment") || exit 1
config=$(cd "$project" && .venv/bin/python -c '
import json, sys
from scripts.site import config
print(json.dumps(config(json.load(sys.stdin))))
' <<<"$outputs" 2>/dev/null) ||
  fail "The environment '$environment' has no API yet. Deploy it with: make deploy ENV=$environment"
[[ -d $(dirname "$file") ]] || fail "There is no folder $(dirname "$file"). Build the dashboard with: make dashboard"

echo "$config" >"$file.unfinished"
mv "$file.unfinished" "$file"
echo "$file: $config"
