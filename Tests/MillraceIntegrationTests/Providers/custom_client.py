"""Drives the custom API of model_server.py with httpx and httpx-sse: `custom_client.py URL [KEY]`. Exits with 1 at the first deviation."""
import json
import socket
import sys
from urllib.parse import urlsplit

import httpx
from httpx_sse import connect_sse

from checks import cancel_reaches, holds, observation, raises, run, same

BASE = sys.argv[1]
KEY = sys.argv[2] if len(sys.argv) > 2 else "test-key"
CLIENT = httpx.Client(base_url=BASE, headers={"X-Service-Token": KEY}, timeout=5)


def body(prompt, form, **members):
    return {"prompt": prompt, "format": form, **members}


def event_stream(prompt):
    with connect_sse(CLIENT, "POST", "/custom/generate", json=body(prompt, "sse")) as source:
        return [event.data for event in source.iter_sse()]


def lines(prompt):
    with CLIENT.stream("POST", "/custom/generate", json=body(prompt, "ndjson")) as response:
        same("type", response.headers["content-type"], "application/x-ndjson")
        return [json.loads(line) for line in response.iter_lines()]


def deltas(found):
    return "".join(item["delta"] for value in found for item in value["result"].get("output", []))


def forms():
    for directives in ("", "#split=bytes", "#split=all", "#crlf", "#framing=close", "#tokens=3 #delay_ms=1"):
        events = event_stream(f"größe 日本 🌊 {directives}")
        same(f"sse {directives}", (deltas(map(json.loads, events[:-1])), events[-1]), ("größe 日本 🌊", "[END]"))
        found = lines(f"größe 日本 🌊 {directives}")
        end = found[-1]
        same(f"ndjson {directives}", (deltas(found), end["result"]["finish"], end["meter"]["out"]), ("größe 日本 🌊", "complete", 3))
    answer = CLIENT.post("/custom/generate", json=body("a b c", "json", limits={"tokens": 2})).json()
    same("json", answer, {"result": {"finish": "limit", "output": [{"text": "a b"}]}, "meter": {"in": 3, "out": 2}})
    same("no usage", "meter" in lines("a #usage=none")[-1], False)


def refusals():
    same("no token", httpx.post(f"{BASE}/custom/generate", json={}).status_code, 401)
    same("unknown member", CLIENT.post("/custom/generate", json=body("a", "json", model="b")).json()["fault"]["code"], "malformed")
    answer = CLIENT.post("/custom/generate", json=body("a #error=429 #retry_after=1", "json"))
    same("429", (answer.status_code, answer.headers["retry-after"], answer.json()["fault"]["code"]), (429, "1", "slow_down"))
    same("within", json.loads(event_stream("a b c d #error=mid")[-1])["fault"]["code"], "broken")
    raises("cut", httpx.RemoteProtocolError, lambda: lines("a b c d #cut=mid"))
    same("no end", deltas(lines("a b c d #cut=end")), "a b c d")


def cancels():
    for place in ("first", "mid"):
        request = CLIENT.build_request("POST", "/custom/generate", json=body(f"a b #hang={place} #tag=custom-{place}", "ndjson"))
        response = CLIENT.send(request, stream=True)
        cancel_reaches(BASE, f"custom-{place}", response.close)


def requests_on_the_wire():
    """What clients may send: a chunked body, several requests on a connection, what is no HTTP at all."""
    def chunks():
        yield b'{"prompt": "a b",'
        yield b'"format": "json"}'

    answer = CLIENT.post("/custom/generate", content=chunks())
    same("chunked", answer.json()["result"]["output"][0]["text"], "a b")
    for index in range(2):
        CLIENT.post("/custom/generate", json=body(f"a #tag=again-{index}", "json"))
    numbers = {observation(BASE, "request_accepted", f"again-{index}")["connection"] for index in range(2)}
    same("connections for two requests", len(numbers), 1)
    seen = httpx.get(f"{BASE}/_observations").json()["observations"]
    holds("no credentials", KEY not in json.dumps(seen))


def received(prompt):
    """All bytes of an answer, and whether the connection was reset behind them."""
    data = json.dumps(body(prompt, "sse")).encode()
    parts = urlsplit(BASE)
    got = b""
    with socket.create_connection((parts.hostname, parts.port), 10) as connection:
        head = f"POST /custom/generate HTTP/1.1\r\nhost: model\r\nx-service-token: {KEY}\r\ncontent-type: application/json\r\n"
        connection.sendall(f"{head}connection: close\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data)
        try:
            while piece := connection.recv(65536):
                got += piece
        except ConnectionResetError:
            return got, True
    return got, False


def bytes_on_the_wire():
    """What HTTP clients hide: how exactly an answer is broken."""
    whole, was_reset = received("a b c d")
    same("whole", (whole[-5:], was_reset), (b"0\r\n\r\n", False))
    same("mid", received("a b c d #cut=mid")[0][-5:], b'}\n\n\r\n')
    same("chunk", received("a b c d #cut=chunk")[0][-11:], b"40\r\ndata: {")
    same("reset", received("a b c d #cut=reset")[1], True)
    same("first", received("a #cut=first")[0][-4:], b"\r\n\r\n")
    same("head", received("a #cut=head"), (b"", False))
    same("end", received("a #cut=end")[0].endswith(b'"}]}}\n\n\r\n0\r\n\r\n'), True)
    same("close", received("a #framing=close")[0].endswith(b"data: [END]\n\n"), True)
    same("CRLF", received("a #framing=close #crlf")[0].endswith(b"\r\n\r\ndata: [END]\r\n\r\n"), True)
    same("one by one", received("a #split=bytes")[0].count(b"\r\n1\r\n") > 50, True)
    same("all in one", received("a b c #split=all")[0].count(b"\r\ndata:"), 1)


run([bytes_on_the_wire, forms, refusals, cancels, requests_on_the_wire])
