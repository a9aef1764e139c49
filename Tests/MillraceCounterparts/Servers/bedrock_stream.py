"""Writes the event streams of bedrock_server.py, and breaks them as a request's directives ask for."""
import binascii
import itertools
import json
import struct

from bedrock_validation import event_problems

CONTENT = {"contentBlockDelta", "chunk"}
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Cut(Exception):
    """The connection is to be closed."""


class Ended(Exception):
    """The response is to end here."""


def header(name, text):
    return struct.pack(">B", len(name)) + name.encode() + b"\x07" + struct.pack(">H", len(text.encode())) + text.encode()


def frame(headers, payload):
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", binascii.crc32(message))


def message(kind, name, value):
    """An event or an exception."""
    headers = header(f":{kind}-type", name) + header(":content-type", "application/json") + header(":message-type", kind)
    return frame(headers, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def error(code, text):
    return frame(header(":error-code", code) + header(":error-message", text) + header(":message-type", "error"), b"")


class Stream:
    """A stream of one operation.

    write: takes bytes. pause: waits for seconds, `None` without end.
    """

    def __init__(self, operation, directives, write, pause):
        self.operation, self.directives, self.pause, self._write = operation, directives, pause, write
        self.count = 0
        sizes = [directives.number("chunks")] if "chunks" in directives else range(1, 8) if "tiny" in directives else [1 << 30]
        self._sizes = itertools.cycle(sizes)

    def send(self, events):
        begun = False
        try:
            for kind, payload in events:
                if kind in CONTENT and not begun:
                    self._before()
                if kind == "messageStop" and "unknown-event" in self.directives:
                    self._put(message("event", "somethingNew", {"of": "the future"}))
                self._event(kind, payload)
                if kind in CONTENT:
                    if not begun:
                        begun = True
                        self._after()
                    self.pause(self.directives.number("delay") / 1000)
                if kind == "messageStop" and self.directives.get("cut") == "metadata":
                    break
        except Ended:
            pass
        self.pause(self.directives.number("linger") / 1000)
        self._write(b"0\r\n\r\n")

    def _event(self, kind, payload):
        problems = event_problems(self.operation, kind, payload)
        if problems:
            raise AssertionError(f"the server's own event {kind} is wrong: {problems}")
        # The service hides the lengths of its events by a member that means nothing.
        self.count += 1
        self._put(message("event", kind, payload | {"p": ALPHABET[:1 + self.count * 7 % len(ALPHABET)]}))

    def _put(self, data):
        while data:
            size = next(self._sizes)
            piece, data = data[:size], data[size:]
            self._write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def _exception(self, name):
        payload = {"message": f"The prompt asked for {name}."}
        if name == "modelStreamErrorException":
            payload |= {"originalStatusCode": 500, "originalMessage": "the model stumbled"}
        problems = event_problems(self.operation, name, payload)
        if problems:
            raise AssertionError(f"the server's own exception is wrong: {problems}")
        self._put(message("exception", name, payload))
        raise Ended

    def _before(self):
        self.pause(self.directives.number("first") / 1000)
        if "stream-exception" in self.directives:
            self._exception(self.directives.get("stream-exception"))

    def _after(self):
        directives = self.directives
        if "stream-exception-after" in directives:
            self._exception(directives.get("stream-exception-after"))
        if "stream-error" in directives:
            self._put(error(directives.get("stream-error"), "The prompt asked for an error."))
            raise Ended
        if "stall-after" in directives:
            self.pause(None)
        whole = message("event", "contentBlockStop", {"contentBlockIndex": 0})
        cut = directives.get("cut")
        if cut in ("frame", "frame-end"):
            self._put(whole[:len(whole) // 2])
        if cut in ("frame", "between"):
            raise Cut
        if cut in ("frame-end", "end"):
            raise Ended
        corrupt = directives.get("corrupt")
        if corrupt == "prelude":
            self._put(whole[:8] + bytes([whole[8] ^ 1]) + whole[9:])
        elif corrupt == "message":
            self._put(whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:])
        elif corrupt == "length":
            prelude = struct.pack(">II", 0x7FFFFFFF, 0)
            self._put(prelude + struct.pack(">I", binascii.crc32(prelude)) + bytes(64))
        elif corrupt == "type":
            self._put(frame(b"\x01x\x2a", b""))
        if corrupt:
            raise Ended
