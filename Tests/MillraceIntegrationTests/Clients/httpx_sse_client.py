"""Streams a chat with httpx-sse, drops the connection half-way, and resumes with Last-Event-ID. Prints what it saw as JSON."""
import json
import sys

import httpx
from httpx_sse import connect_sse


def read(client, method, url, limit=None, **arguments):
    events = []
    with connect_sse(client, method, url, **arguments) as source:
        source.response.raise_for_status()
        for event in source.iter_sse():
            events.append({"event": event.event, "id": event.id, "data": event.data, "retry": event.retry})
            if limit is not None and len(events) == limit:
                break
    return events


def main(base, body_file):
    with open(body_file, "rb") as file:
        body = file.read()
    with httpx.Client(timeout=20) as client:
        headers = {"Content-Type": "application/json"}
        whole = read(client, "POST", f"{base}/api/v1/generate/stream", content=body, headers=headers)
        run = json.loads(whole[0]["data"])["response_id"]
        events = f"{base}/api/v1/runs/{run}/events"
        half = len(whole) // 2
        first = read(client, "GET", events, limit=half)
        second = read(client, "GET", events, headers={"Last-Event-ID": first[-1]["id"]})
        ended = client.get(events, headers={"Last-Event-ID": whole[-1]["id"]})
    print(json.dumps({"whole": whole, "resumed": first + second, "status_at_the_end": ended.status_code}))


main(*sys.argv[1:])
