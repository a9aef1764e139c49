"""Keeps a number of streams open through restarts, with httpx-sse: `restart_readers.py BASE COUNT STOP_FILE`.

Each reader starts a run, follows it, reads on with Last-Event-ID where its stream ends without the run's end, and then starts the next, until
STOP_FILE is there. Prints as JSON what each run gave, how often readers read on, and what went wrong.
"""
import asyncio
import json
import os
import sys

import httpx
from httpx_sse import aconnect_sse

BODY = {"task": "drip", "parts": [{"content": "25 80"}]}


async def read(client, method, url, run, **arguments):
    """Adds a stream's events to a run; returns the status."""
    async with aconnect_sse(client, method, url, **arguments) as source:
        if source.response.status_code != 200:
            await source.response.aread()
            return source.response.status_code
        async for event in source.aiter_sse():
            run["ids"].append(event.id)
            run["last"] = [event.event, json.loads(event.data).get("status")]
            if event.event == "error":
                run["error"] = json.loads(event.data)["error_type"]
        return 200


async def reader(client, base, stop, result):
    while not os.path.exists(stop):
        run = {"ids": [], "last": None, "error": None}
        try:
            status = await read(client, "POST", base + "/api/v1/generate/stream", run, json=BODY)
            if status == 503:
                result["refused_while_draining"] += 1
                continue
            while run["last"] is None or run["last"][0] != "response_end":
                if not run["ids"]:
                    raise RuntimeError(f"status {status} and no event")
                result["reconnects"] += 1
                response = run["ids"][0].split(":")[0]
                await read(
                    client, "GET", f"{base}/api/v1/runs/{response}/events", run, headers={"Last-Event-ID": run["ids"][-1]})
            result["runs"].append(run)
        except Exception as failure:  # every failure is one that the test must know of
            result["failures"].append(f"{type(failure).__name__}: {failure} behind {run['ids'][-1:]}")


async def main(base, count, stop):
    result = {"runs": [], "reconnects": 0, "refused_while_draining": 0, "failures": []}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client:
        await asyncio.gather(*(reader(client, base, stop, result) for _ in range(count)))
    print(json.dumps(result))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
