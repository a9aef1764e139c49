#!/bin/sh
# Asks the running server: scripts/ask.sh "QUESTION" ; MILLRACE_SERVER names another server.
set -eu
question="$(printf '%s' "$1" | tr '\000-\037' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g')"
printf '{"task": "rag_oss", "parts": [{"content": "%s"}]}' "$question" |
    curl -sN "${MILLRACE_SERVER:-http://127.0.0.1:8000}/api/v1/generate/stream" -H 'Content-Type: application/json' --data-binary @-
