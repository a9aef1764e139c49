#!/bin/sh
# Uploads documents and asks about them: scripts/analyse.sh "QUESTION" FILE… ; MILLRACE_SERVER names another server.
# An empty question asks for a summary.
set -eu
folder="$(cd "$(dirname "$0")" && pwd)"
question="$(printf '%s' "$1" | tr '\000-\037' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g')"
shift
parts="{\"content\": \"$question\"}"
pointers="$("$folder/upload.sh" "$@")"
for pointer in $pointers; do
    parts="$parts, {\"part_kind\": \"document\", \"pointer\": \"$pointer\"}"
done
printf '{"task": "document_analysis", "parts": [%s]}' "$parts" |
    curl -sN "${MILLRACE_SERVER:-http://127.0.0.1:8000}/api/v1/generate/stream" -H 'Content-Type: application/json' --data-binary @-
