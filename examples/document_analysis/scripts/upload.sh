#!/bin/sh
# Uploads files to the running server and prints the pointer of each: scripts/upload.sh FILE… ; MILLRACE_SERVER names another server.
set -eu
for file in "$@"; do
    name="$(printf '%s' "$file" | sed 's/\\/\\\\/g; s/"/\\"/g')"
    record="$(curl -sS --fail-with-body -F "file=@\"$name\"" "${MILLRACE_SERVER:-http://127.0.0.1:8000}/api/v1/content")" || {
        printf '%s: %s\n' "$file" "$record" >&2
        exit 1
    }
    printf '%s\n' "$record" | sed -n 's/.*"pointer":"\([^"]*\)".*/\1/p'
done
