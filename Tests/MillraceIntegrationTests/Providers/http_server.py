"""A small HTTP/1.1 server on asyncio that tells when a client goes away, and leaves every byte of the answer to the handler.

A connection reads all the time, also while an answer is under way: that is how it sees the client's end at once. A client that shuts
down its sending half counts as gone.
"""
import asyncio
import email.utils
import http
import json
import socket
import struct
from urllib.parse import parse_qs, urlsplit

HEAD_LIMIT = 64 << 10
BODY_LIMIT = 32 << 20


class BadRequest(Exception):
    """A request that is no HTTP/1.1, with the status to answer."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class Request:
    def __init__(self, head):
        try:
            start, *lines = head.decode("latin-1").split("\r\n")
            self.method, target, self.version = start.split(" ")
            self.headers = {}
            for line in lines:
                name, value = line.split(":", 1)
                if not name or name != name.strip():
                    raise ValueError(name)
                name = name.lower()
                self.headers[name] = f"{self.headers[name]}, {value.strip()}" if name in self.headers else value.strip()
        except ValueError:
            raise BadRequest(400, "the head is no HTTP/1.1") from None
        if self.version not in ("HTTP/1.1", "HTTP/1.0"):
            raise BadRequest(505, "HTTP/1.1 is spoken here")
        parts = urlsplit(target)
        self.path = parts.path
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.is_chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        if self.is_chunked and "content-length" in self.headers:
            raise BadRequest(400, "both Content-Length and Transfer-Encoding")
        length = self.headers.get("content-length", "0")
        if not length.isdecimal():
            raise BadRequest(400, "Content-Length is no number")
        self.length = int(length)
        self.keeps_alive = self.version == "HTTP/1.1" and self.headers.get("connection", "").lower() != "close"
        self.body = b""


class RequestParser:
    """Bytes in, requests out."""

    def __init__(self):
        self._buffer = bytearray()
        self._request = None
        self._body = bytearray()
        self.expects_continue = False

    def receive(self, data):
        """Takes bytes and returns the requests that they complete."""
        self._buffer += data
        requests = []
        while request := self._next():
            requests.append(request)
        return requests

    def _next(self):
        if self._request is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > HEAD_LIMIT:
                    raise BadRequest(431, "the head is too long")
                return None
            self._request = Request(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
            self.expects_continue = self._request.headers.get("expect", "").lower() == "100-continue"
        request = self._request
        if not (self._take_chunks() if request.is_chunked else self._take(request.length)):
            return None
        request.body, self._body, self._request, self.expects_continue = bytes(self._body), bytearray(), None, False
        return request

    def _take(self, length):
        if length > BODY_LIMIT:
            raise BadRequest(413, "the body is too long")
        if len(self._buffer) < length:
            return False
        self._body += self._buffer[:length]
        del self._buffer[:length]
        return True

    def _take_chunks(self):
        while True:
            line_end = self._buffer.find(b"\r\n")
            if line_end < 0:
                return False
            try:
                size = int(self._buffer[:line_end].split(b";")[0], 16)
            except ValueError:
                raise BadRequest(400, "a chunk's size is no number") from None
            end = line_end + 2 + size
            if len(self._buffer) < end + 2:
                return False
            if self._buffer[end: end + 2] != b"\r\n":
                raise BadRequest(400, "a chunk does not end where its size says")
            if len(self._body) + size > BODY_LIMIT:
                raise BadRequest(413, "the body is too long")
            self._body += self._buffer[line_end + 2: end]
            del self._buffer[: end + 2]
            if size == 0:
                return True


class Connection(asyncio.Protocol):
    """One connection: runs the exchanges of its requests, one after another, and cancels the running one when the client goes.

    `make_exchange(connection, request)` makes what is run. An exchange sends its answer by `send_head`, `send_body` and `finish`.
    """

    counter = 0

    def __init__(self, make_exchange, observations):
        Connection.counter += 1
        self.number = Connection.counter
        self._make_exchange, self._observations = make_exchange, observations
        self._parser = RequestParser()
        self._waiting = []
        self._task = None
        self._exchange = None
        self._is_chunked = False
        self._can_write = asyncio.Event()
        self._can_write.set()

    # What comes

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._observations.add("connection_opened", connection=self.number, http="HTTP/1.1")

    def data_received(self, data):
        try:
            self._waiting += self._parser.receive(data)
        except BadRequest as error:
            self._write(head(error.status, {"content-length": "0", "connection": "close"}))
            self.transport.close()
            return
        if self._parser.expects_continue:
            self._parser.expects_continue = False
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._waiting and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self):
        try:
            while self._waiting and not self.transport.is_closing():
                self._exchange = self._make_exchange(self, self._waiting.pop(0))
                await self._exchange.run()
                keeps_alive = self._exchange.keeps_alive
                self._exchange = None
                if not keeps_alive:
                    self.transport.close()
        finally:
            self._task = None

    def eof_received(self):
        self._client_left("eof")
        return False  # The transport closes.

    def connection_lost(self, error):
        self._can_write.set()
        self._client_left("reset" if error else "closed")

    def _client_left(self, how):
        if self._exchange:
            self._exchange.client_closed(how)
            self._exchange = None
        if self._task:
            self._task.cancel()

    # What goes

    async def send_head(self, status, headers, byte_delay=None):
        """Sends the head: whole, or byte by byte with a delay in seconds between them."""
        self._is_chunked = headers.get("transfer-encoding") == "chunked"
        data = head(status, headers)
        if byte_delay is None:
            self._write(data)
            return
        for byte in data:
            self._write(bytes([byte]))
            await asyncio.sleep(byte_delay)

    def send_body(self, data):
        if data:
            self._write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)

    def finish(self):
        if self._is_chunked:
            self._write(b"0\r\n\r\n")

    def cut(self, how):
        """Ends the connection before the answer is whole: with RST, in the middle of a chunk, or simply so."""
        if how == "reset":
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
            return
        if how == "chunk":
            self._write(b"40\r\ndata: {")
        self.transport.close()

    async def drain(self):
        await self._can_write.wait()

    def pause_writing(self):
        self._can_write.clear()

    def resume_writing(self):
        self._can_write.set()

    def _write(self, data):
        if not self.transport.is_closing():
            self.transport.write(data)


def head(status, headers):
    """The bytes of an answer's head."""
    try:
        reason = http.HTTPStatus(status).phrase
    except ValueError:
        reason = {529: "Overloaded"}.get(status, "Unknown")
    lines = [f"HTTP/1.1 {status} {reason}", f"date: {email.utils.formatdate(usegmt=True)}"]
    return "\r\n".join(lines + [f"{name}: {value}" for name, value in headers.items()]).encode("latin-1") + b"\r\n\r\n"


def json_bytes(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
