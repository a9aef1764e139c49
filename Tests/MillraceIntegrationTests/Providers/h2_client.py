"""Drives h2_server.py with curl, httpx and the package h2: `h2_client.py https://localhost:PORT CAFILE [KEY]`."""
import asyncio
import json
import socket
import ssl
import subprocess
import sys
import time
from urllib.parse import urlsplit

import h2.connection
import h2.errors
import h2.events
import httpx

from checks import holds, raises, run, same

BASE, AUTHORITY = sys.argv[1:3]
KEY = sys.argv[3] if len(sys.argv) > 3 else "test-key"
TRUST = ssl.create_default_context(cafile=AUTHORITY)
URL = f"{BASE}/custom/generate"
HEADERS = {"X-Service-Token": KEY}


def body(prompt):
    return {"prompt": prompt, "format": "ndjson"}


def text(lines):
    return "".join(item["delta"] for line in lines for item in json.loads(line)["result"].get("output", []))


def seen(event, tag=None, **fields):
    """The server's first observation of an event, with the tag and fields asked for."""
    query = {"wait": "5", "event": event, **({"tag": tag} if tag else {}), **fields}
    found = httpx.get(f"{BASE}/_observations", params=query, verify=TRUST, timeout=10).json()
    holds(f"the server sees {event} of {tag}", found, found)
    return found


def curl_speaks_both_versions():
    for option, version in (("--http2", "2"), ("--http1.1", "1.1")):
        command = ["curl", "-sS", option, "--cacert", AUTHORITY, "--max-time", "10", "-w", "%{http_version}", "--json", json.dumps(
            body(f"größe of the mill #delay_ms=2 #tag=curl-{version}")), "-H", f"X-Service-Token: {KEY}", URL]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        same(f"curl {option}", (done.returncode, done.stderr), (0, ""))
        *lines, last = done.stdout.splitlines()
        same(f"curl {option}", (text(lines), last), ("größe of the mill", version))
        same("seen", seen("request_accepted", f"curl-{version}")["http"], f"HTTP/{version}")
    done = subprocess.run(["curl", "-sS", "--max-time", "10", URL], capture_output=True, text=True, check=False)
    same("an authority that nobody trusts", done.returncode, 60)


def httpx_shares_a_connection():
    async def one(client, index):
        async with client.stream("POST", URL, json=body(f"a b c #delay_ms=5 #tag=shared-{index}"), headers=HEADERS) as response:
            same("version", response.http_version, "HTTP/2")
            return text([line async for line in response.aiter_lines()])

    async def all_at_once():
        async with httpx.AsyncClient(http2=True, verify=TRUST, timeout=10) as client:
            await client.get(f"{BASE}/_observations")  # So that there is one connection to share.
            same("texts", await asyncio.gather(*(one(client, index) for index in range(20))), ["a b c"] * 20)

    asyncio.run(all_at_once())
    same("connections", len({seen("request_accepted", f"shared-{index}")["connection"] for index in range(20)}), 1)


def services_speak_http2():
    with httpx.Client(http2=True, verify=TRUST, timeout=5) as client:
        answer = client.post(f"{BASE}/v1/chat/completions", headers={"authorization": f"Bearer {KEY}"}, json={
            "model": "mill-chat", "messages": [{"role": "user", "content": "a b"}]})
        same("answer", (answer.http_version, answer.json()["choices"][0]["message"]["content"]), ("HTTP/2", "a b"))
        refused = client.post(URL, json=body("a #error=429 #retry_after=1"), headers=HEADERS)
        same("refusal", (refused.status_code, refused.headers["retry-after"]), (429, "1"))
        for cut in ("#cut=mid", "#cut=head", "#cut=first"):
            raises(cut, httpx.RemoteProtocolError, lambda: client.post(URL, json=body(f"a b c {cut}"), headers=HEADERS))
        same("the connection lives on", client.post(URL, json=body("a"), headers=HEADERS).http_version, "HTTP/2")


class RawClient:
    """One HTTP/2 connection, frame by frame."""

    def __init__(self):
        parts = urlsplit(BASE)
        context = ssl.create_default_context(cafile=AUTHORITY)
        context.set_alpn_protocols(["h2"])
        self._socket = context.wrap_socket(socket.create_connection((parts.hostname, parts.port), 10), server_hostname=parts.hostname)
        self.h2 = h2.connection.H2Connection()
        self.h2.initiate_connection()
        self.send()

    def send(self):
        self._socket.sendall(self.h2.data_to_send())

    def post(self, prompt):
        number = self.h2.get_next_available_stream_id()
        data = json.dumps(body(prompt)).encode()
        self.h2.send_headers(number, [
            (":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", "/custom/generate"),
            ("x-service-token", KEY), ("content-length", str(len(data)))])
        for at in range(0, len(data), self.h2.max_outbound_frame_size):
            self.h2.send_data(number, data[at: at + self.h2.max_outbound_frame_size])
        self.h2.end_stream(number)
        self.send()
        return number

    def read_to_end_of(self, number):
        lines = b""
        while data := self._socket.recv(65536):
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.DataReceived) and event.stream_id == number:
                    lines += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, number)
                if isinstance(event, h2.events.StreamEnded) and event.stream_id == number:
                    return text(lines.splitlines())
            self.send()
        return None

    def close(self):
        self._socket.close()


def large_answers_wait_for_the_window():
    client = RawClient()
    word = "x" * 60_000  # The windows are 65,535 bytes here.
    same("text", client.read_to_end_of(client.post(f"{word} #tokens=5")) == " ".join([word] * 5), True)
    client.close()


def resets_and_ends_are_seen():
    client = RawClient()
    left, kept = client.post("a b #hang=mid #tag=reset"), client.post("c d #hang=first #tag=kept")
    seen("hanging", "reset")
    seen("hanging", "kept")
    before = time.monotonic_ns()
    client.h2.reset_stream(left, h2.errors.ErrorCodes.CANCEL)
    client.send()
    found = seen("client_closed", "reset")
    same("how", (found["how"], found["code"], found["tokens"]), ("stream_reset", 8, 1))
    holds("in time", 0 < found["t"] - before < 1e9, found)
    print(f"reset seen after {(found['t'] - before) / 1e6:.2f} ms")
    same("another stream of the connection", client.read_to_end_of(client.post("still here #tag=third")), "still here")
    same("one connection", seen("request_accepted", "third")["connection"], found["connection"])
    client.h2.close_connection()
    client.send()
    same("last stream", seen("connection_terminated", connection=str(found["connection"]))["code"], 0)
    client.close()
    same("the rest", seen("client_closed", "kept")["how"], "closed")
    same("its stream", kept, 3)


run([
    curl_speaks_both_versions, httpx_shares_a_connection, services_speak_http2, large_answers_wait_for_the_window,
    resets_and_ends_are_seen,
])
