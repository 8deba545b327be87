#!/usr/bin/env bash
# Tells the dashboard where its API is: writes config.json, which is all that differs between environments.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/update-frontend-config.sh [ENV [FILE]]

Write where the API of the environment ENV (dev) is to FILE (frontend_react/dist/config.json).
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

if [[ $environment == local ]]; then
  outputs=$project/.local/stack.json
  [[ -f $outputs ]] || fail "The local stack is not running. Start it with: make run"
  api_url=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["api_url"])' <"$outputs")
else
  data=$project/.deployments/$environment/data
  [[ -d $data ]] || fail "The environment '$environment' is not deployed from here. Deploy it with: make deploy ENV=$environment"
  command -v terraform >/dev/null || fail "Terraform is not on PATH: https://developer.hashicorp.com/terraform/install"
  api_url=$(TF_DATA_DIR=$data terraform -chdir="$project/terraform" output -no-color -raw api_url)
fi
# Terraform says on stdout, with exit status 0, that there is no output at all.
[[ $api_url =~ ^https?://[^[:space:]\"\\]+$ ]] ||
  fail "The environment '$environment' has no API yet. Deploy it with: make deploy ENV=$environment"
[[ -d $(dirname "$file") ]] || fail "There is no folder $(dirname "$file"). Build the dashboard with: make dashboard"

printf '{"api_url": "%s"}\n' "$api_url" >"$file.unfinished"
mv "$file.unfinished" "$file"
echo "$file: $api_url"
