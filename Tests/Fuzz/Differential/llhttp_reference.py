"""Reads connections with llhttp, the parser of Node, through httptools.

    python llhttp_reference.py INPUTS OUTPUT

INPUTS holds one connection after another: the number of its bytes (4, little-endian), then the bytes. OUTPUT gets a line of JSON for each: the
requests, why the parser stopped (`null`: it did not), and whether it handed the connection to another protocol. Bytes are written as Latin-1.
"""

import json
import struct
import sys

import httptools


class Connection:
    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.parser = httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self.requests.append({"target": "", "headers": [], "body": "", "complete": False})

    def on_url(self, url: bytes) -> None:
        self.requests[-1]["target"] += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come in the same way; ours are dropped (RFC 9112, section 7.1.2).
        if "method" not in self.requests[-1]:
            self.requests[-1]["headers"].append([name.decode("latin-1"), value.decode("latin-1").strip(" \t")])

    def on_headers_complete(self) -> None:
        self.requests[-1]["method"] = self.parser.get_method().decode("latin-1")
        self.requests[-1]["version"] = self.parser.get_http_version()
        self.requests[-1]["keep_alive"] = self.parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self.requests[-1]["body"] += body.decode("latin-1")

    def on_message_complete(self) -> None:
        self.requests[-1]["complete"] = True

    def read(self, data: bytes) -> dict:
        error, upgrade = None, False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            upgrade = True
        except httptools.HttpParserError as problem:
            error = f"{type(problem).__name__}: {problem}"
        return {"requests": [r for r in self.requests if "method" in r], "error": error, "upgrade": upgrade}


def main() -> None:
    inputs, output = sys.argv[1:]
    data = open(inputs, "rb").read()
    offset = 0
    with open(output, "w", encoding="utf-8") as lines:
        while offset < len(data):
            (count,) = struct.unpack_from("<I", data, offset)
            offset += 4
            lines.write(json.dumps(Connection().read(data[offset : offset + count])) + "\n")
            offset += count


main()
