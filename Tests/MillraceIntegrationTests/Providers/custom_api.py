"""A model API that nobody has: for adapters that are told by configuration where things are.

`POST /custom/generate` with the header `X-Service-Token`: {"prompt": TEXT, "format": "sse" | "ndjson" | "json", "limits": {"tokens": N}}.

- `sse`: events `data: {"result":{"output":[{"delta":"…"}]}}`, at the end one with "finish" and "meter", then `data: [END]`.
- `ndjson`: the same objects, one a line, without `[END]`.
- `json`: {"result":{"output":[{"text":"…"}],"finish":"complete"},"meter":{"in":3,"out":5}}.

Errors are {"fault":{"code":"…","detail":"…"}}; in a stream, too.
"""
from directives import answer_words, words
from exchange import EVENT_STREAM, Failure
from http_server import json_bytes

CODES = {400: "malformed", 401: "unauthorised", 404: "unknown_route", 405: "unknown_route", 429: "slow_down", 529: "overloaded"}


def failure(status, message=None):
    code = CODES.get(status, "broken")
    return Failure(status, {"fault": {"code": code, "detail": message or f"the service says {code}"}})


async def handle(exchange):
    request, body = exchange.request, exchange.json
    if request.path != "/custom/generate":
        raise failure(404, f"there is no {request.path}")
    if request.method != "POST":
        raise failure(405, "only POST")
    if request.headers.get("x-service-token") != exchange.server.key:
        raise failure(401, "the header X-Service-Token is missing or wrong")
    if not isinstance(body, dict):
        raise failure(400, "the body is no JSON object")
    if unknown := set(body) - {"prompt", "format", "limits"}:
        raise failure(400, f"unknown members: {', '.join(sorted(unknown))}")
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise failure(400, "prompt must be a text")
    form, limit = body.get("format", "json"), (body.get("limits") or {}).get("tokens")
    if form not in ("sse", "ndjson", "json"):
        raise failure(400, "format must be sse, ndjson or json")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise failure(400, "limits.tokens must be a positive number")
    await exchange.follow(body["prompt"], failure)
    directives = exchange.directives
    tokens = answer_words(directives)
    finish = directives.finish or ("complete" if limit is None or limit >= len(tokens) else "limit")
    tokens = tokens[:limit]
    end = {"result": {"finish": finish}}
    if not directives.usage:
        end["meter"] = {"in": len(words(body["prompt"])), "out": len(tokens)}
    if form == "json":
        end["result"]["output"] = [{"text": "".join(tokens)}]
        await exchange.answer(end, len(tokens))
        return
    prefix, suffix = (b"data: ", b"\n\n") if form == "sse" else (b"", b"\n")
    frames = [(prefix + json_bytes({"result": {"output": [{"delta": token}]}}) + suffix, 1, False) for token in tokens]
    frames.append((prefix + json_bytes(end) + suffix, 0, True))
    if form == "sse":
        frames.append((b"data: [END]\n\n", 0, True))
    error = prefix + json_bytes(failure(500).body) + suffix
    await exchange.stream(frames, error, EVENT_STREAM if form == "sse" else "application/x-ndjson")
