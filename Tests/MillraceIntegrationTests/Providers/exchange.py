"""One request and its answer: sends what an API made, and does with it what the directives say."""
import asyncio
import json
import re
import traceback

from directives import DirectiveError, Directives
from http_server import json_bytes

EVENT_STREAM = "text/event-stream; charset=utf-8"
CUT_PLACES = {"chunk": "mid", "reset": "mid"}
"""Where the ways to cut that are not named after a place do it."""


class Failure(Exception):
    """An answer that is an error: its status, its JSON, and header fields."""

    def __init__(self, status, body, headers=None):
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, headers or {}


class Exchange:
    counter = 0

    def __init__(self, server, connection, request):
        Exchange.counter += 1
        self.server, self.connection, self.request = server, connection, request
        self.number = Exchange.counter
        self.directives = Directives()
        self.headers = {}
        self.keeps_alive = request.keeps_alive
        self.tokens = 0
        self._has_ended = False
        self._held = b""
        try:
            self.json = json.loads(request.body) if request.body else None
        except ValueError:
            self.json = None
        tags = re.findall(rb"#tag=([\w.-]+)", request.body)
        self._tag = tags[-1].decode() if tags else None

    # The course of an exchange

    async def run(self):
        request = self.request
        self._observe(
            "request_accepted", method=request.method, path=request.path, http=request.version,
            stream=self.json.get("stream") if isinstance(self.json, dict) else None,
            body=self.json if self.server.logs_bodies else None)
        try:
            await self.server.handle(self)
        except Failure as failure:
            await self._plain(failure.status, failure.body, failure.headers)
        except Exception:  # A defect of this server: said aloud, and no client waits for it.
            traceback.print_exc()
            self.keeps_alive = False
        self._end("response_ended")

    def client_closed(self, how, **fields):
        """The client went before the answer was whole."""
        self._end("client_closed", how=how, **fields)

    def _observe(self, event, **fields):
        if self.request.path.startswith("/_"):
            return  # Questions about observations are none.
        self.server.observations.add(event, connection=self.connection.number, request=self.number, tag=self._tag, **fields)

    def _end(self, event, **fields):
        if not self._has_ended:
            self._has_ended = True
            self._observe(event, tokens=self.tokens, **fields)

    async def follow(self, text, make_failure):
        """Takes the directives of a text, and does what they say about the time before the answer.

        `make_failure(status, message)` makes the service's own error; without a message it is the service's usual one for the status.
        """
        try:
            self.directives = Directives(text)
        except DirectiveError as error:
            raise make_failure(400, str(error)) from None
        directives = self.directives
        if directives.status_times is not None and directives.has_faults:
            key = (self.request.path, text)
            self.server.failures[key] = self.server.failures.get(key, 0) + 1
            if self.server.failures[key] > directives.status_times:
                directives.drop_faults()
        if self.server.is_faultless:
            directives.drop_faults()
        if directives.hang == "head":
            await self._hang()
        if directives.cut == "head":
            self._cut()
        if isinstance(directives.error, int):
            failure = make_failure(directives.error, None)
            for name in ("retry_after", "retry_after_ms"):
                if getattr(directives, name):
                    failure.headers[name.replace("_", "-")] = getattr(directives, name)
            raise failure

    async def _hang(self):
        self._observe("hanging", tokens=self.tokens)
        await asyncio.get_running_loop().create_future()  # Cancelled when the client goes.

    def _cut(self):
        """Closes the connection in the middle of the answer, and stops."""
        self._end("response_cut")
        self.connection.cut(self.directives.cut)
        raise asyncio.CancelledError

    # What is sent

    async def _head(self, status, headers):
        fields = {**self.headers, **headers, **({} if self.keeps_alive else {"connection": "close"})}
        delay = (self.directives.delay or 0.002) if self.directives.slow_head else None
        await self.connection.send_head(status, fields, delay)
        self._observe("head_sent", status=status)

    async def _plain(self, status, value, headers=None):
        data = json_bytes(value)
        await self._head(status, {"content-type": "application/json", "content-length": str(len(data)), **(headers or {})})
        self.connection.send_body(data)
        self.connection.finish()

    async def answer(self, value, tokens=0):
        """Sends one JSON answer whose making took `tokens` tokens."""
        directives = self.directives
        await asyncio.sleep(directives.delay * tokens)
        place = directives.hang or directives.cut
        if not place:
            await self._plain(200, value)
            self.tokens = tokens
            return
        data = json_bytes(value)
        await self._head(200, {"content-type": "application/json", "content-length": str(len(data))})
        self.connection.send_body(data[: {"first": 0, "end": len(data) - 1}.get(place, len(data) // 2)])
        if directives.hang:
            await self._hang()
        self._cut()

    async def stream(self, frames, error_frame, media_type=EVENT_STREAM):
        """Sends a stream. A frame is (bytes, how many tokens it holds, whether it tells the answer's end)."""
        directives = self.directives
        headers = {"content-type": media_type, "cache-control": "no-cache"}
        if directives.framing == "close" or self.request.version == "HTTP/1.0":
            self.keeps_alive = False
        else:
            headers["transfer-encoding"] = "chunked"
        await self._head(200, headers)
        await self._fault("first")
        total = sum(tokens for _, tokens, _ in frames)
        middle = max(1, total // 2)
        has_begun = is_past_end = False
        for payload, tokens, is_end in frames:
            if is_end and not is_past_end:
                is_past_end = True
                await self._fault("end")
                if directives.cut == "end":
                    break
            if tokens and directives.delay:
                await asyncio.sleep(directives.delay)
            await self._write(payload)
            if not has_begun:
                has_begun = True
                await self._fault("start")
            if not tokens:
                continue
            before, self.tokens = self.tokens, self.tokens + tokens
            if before == 0:
                self._observe("first_token")
            if directives.mark and before < directives.mark <= self.tokens:
                self._observe("tokens_sent", tokens=self.tokens)
            if before < middle <= self.tokens:
                await self._fault("mid")
                if directives.error == "mid":
                    await self._write(error_frame)
                    break
        await self._flush()
        self.connection.finish()

    async def _fault(self, place):
        directives = self.directives
        if directives.hang == place:
            await self._flush()
            await self._hang()
        if CUT_PLACES.get(directives.cut, directives.cut) == place != "end":
            await self._flush()
            self._cut()

    async def _write(self, payload):
        directives = self.directives
        if directives.crlf:
            payload = payload.replace(b"\n", b"\r\n")
        if directives.split == "all":
            self._held += payload
            return
        size = directives.split or len(payload)
        for at in range(0, len(payload), size):
            self.connection.send_body(payload[at: at + size])
            await asyncio.sleep(0)
        await self.connection.drain()

    async def _flush(self):
        if self._held:
            self.connection.send_body(self._held)
            self._held = b""
            await self.connection.drain()
