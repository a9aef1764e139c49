"""Sends presigned requests by Python's own HTTP client, one a line of arguments: s3_url.py METHOD URL [BODY]

Prints the status, and of an answer the body.
"""
import sys
import urllib.error
import urllib.request

method, url, *body = sys.argv[1:]
request = urllib.request.Request(url, data=body[0].encode() if body else None, method=method)
if body:
    request.add_header("Content-Type", "text/plain")
try:
    with urllib.request.urlopen(request, timeout=20) as answer:
        print(answer.status, answer.read().decode(), flush=True)
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode().replace("\n", " "), flush=True)
