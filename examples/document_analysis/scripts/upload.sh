#!/bin/sh
# Uploads files to the running server and prints the pointer of each: scripts/upload.sh FILE… ; MILLRACE_SERVER names another server.
set -eu
for file in "$@"; do
    curl -sS --fail-with-body -F "file=@$file" "${MILLRACE_SERVER:-http://127.0.0.1:8000}/api/v1/content" |
        sed -n 's/.*"pointer":"\([^"]*\)".*/\1/p'
done
