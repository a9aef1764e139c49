#!/usr/bin/env python3
"""model_server.py over TLS, with HTTP/2 or HTTP/1.1 as the client chooses by ALPN; needs the package `h2` and the program `openssl`.

    h2_server.py [the arguments of model_server.py]

The first line on standard output is `PORT CAFILE`. The certificate is for `localhost` and 127.0.0.1, made at the start, and signed by the
authority in CAFILE; both go with the process. Routes, directives and observations are those of model_server.py. On HTTP/2
    client_closed has how=stream_reset with the error code when the client resets one stream,
    connection_terminated (code, last_stream) tells of the client's GOAWAY,
    #cut resets the stream, and #slow_head and #framing make no difference.
"""
import asyncio
import pathlib
import socket
import ssl
import subprocess
import tempfile
from urllib.parse import parse_qs, urlsplit

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from http_server import Connection
from model_server import Server, arguments, stopped
from observations import Observations


class StreamRequest:
    """A request as an exchange wants it, from HTTP/2's header list."""

    version, keeps_alive = "HTTP/2", True

    def __init__(self, fields):
        self.headers = dict(fields)
        self.method = self.headers.pop(":method")
        parts = urlsplit(self.headers.pop(":path"))
        self.path = parts.path
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.body = b""


class Stream:
    """What an exchange sends to, for one stream: as `http_server.Connection` is for a connection."""

    def __init__(self, connection, number, request):
        self._connection, self._number = connection, number
        self.number = connection.number
        self.request = request
        self.exchange = None
        self.task = None
        self.body = b""
        self.has_finished = False
        """Whether the answer's end stands behind `body`."""

    async def send_head(self, status, headers, byte_delay=None):
        fields = [(name, value) for name, value in headers.items() if name not in ("connection", "transfer-encoding")]
        self._connection.send(lambda h2: h2.send_headers(self._number, [(":status", str(status)), *fields]))

    def send_body(self, data):
        self.body += data
        self.send_what_fits()

    def finish(self):
        self.has_finished = True
        self.send_what_fits()

    def cut(self, how):
        self._connection.send(lambda h2: h2.reset_stream(self._number, h2_error("INTERNAL_ERROR")))
        self._connection.forget(self._number)

    async def drain(self):
        while self.body and not self._connection.is_closing:
            await self._connection.window_changed()

    def send_what_fits(self):
        """Sends as much of the body as both windows allow."""
        h2 = self._connection.h2
        while self.body:
            size = min(len(self.body), h2.local_flow_control_window(self._number), h2.max_outbound_frame_size)
            if size <= 0:
                return
            piece, self.body = self.body[:size], self.body[size:]
            self._connection.send(lambda h2: h2.send_data(self._number, piece))
        if self.has_finished:
            self._connection.send(lambda h2: h2.end_stream(self._number))
            self._connection.forget(self._number)


def h2_error(name):
    return h2.errors.ErrorCodes[name]


class H2Connection(asyncio.Protocol):
    def __init__(self, server):
        Connection.counter += 1
        self.number = Connection.counter
        self._server = server
        self._streams = {}
        self._window_changed = asyncio.Event()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))

    def connection_made(self, transport):
        self._transport = transport
        self._server.observations.add("connection_opened", connection=self.number, http="HTTP/2")
        self.send(lambda h2: h2.initiate_connection())

    @property
    def is_closing(self):
        return self._transport.is_closing()

    def send(self, act):
        """Lets h2 do something, and sends the bytes that come of it. A stream or connection that has gone meanwhile is no failure."""
        try:
            act(self.h2)
        except h2.exceptions.ProtocolError:
            pass
        if not self.is_closing:
            self._transport.write(self.h2.data_to_send())

    def data_received(self, data):
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self._transport.write(self.h2.data_to_send())
            self._transport.close()
            return
        for event in events:
            self._happened(event)
        self.send(lambda h2: None)

    def _happened(self, event):
        number = getattr(event, "stream_id", None)
        stream = self._streams.get(number)
        match event:
            case h2.events.RequestReceived():
                self._streams[number] = Stream(self, number, StreamRequest(event.headers))
            case h2.events.DataReceived():
                self.h2.acknowledge_received_data(event.flow_controlled_length, number)
                if stream:
                    stream.request.body += event.data
            case h2.events.StreamEnded() if stream:
                stream.exchange = self._server.exchange(stream, stream.request)
                stream.task = asyncio.get_running_loop().create_task(stream.exchange.run())
            case h2.events.StreamReset() if stream:
                self._abandon(stream, "stream_reset", code=int(event.error_code))
                self.forget(number)
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                for waiting in list(self._streams.values()):
                    if waiting.body:
                        waiting.send_what_fits()
                self._wake()
            case h2.events.ConnectionTerminated():
                self._server.observations.add(
                    "connection_terminated", connection=self.number, code=int(event.error_code), last_stream=event.last_stream_id)

    def forget(self, number):
        self._streams.pop(number, None)

    def _abandon(self, stream, how, **fields):
        if stream.exchange:
            stream.exchange.client_closed(how, **fields)
        if stream.task:
            stream.task.cancel()

    def eof_received(self):
        self.connection_lost(None)

    def connection_lost(self, error):
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            self._abandon(stream, "reset" if error else "closed")
        self._wake()

    async def window_changed(self):
        await self._window_changed.wait()

    def _wake(self):
        self._window_changed.set()
        self._window_changed = asyncio.Event()


class NegotiatedConnection(asyncio.Protocol):
    """Hands the connection to the protocol that ALPN has chosen."""

    def __init__(self, server):
        self._server = server

    def connection_made(self, transport):
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        protocol = H2Connection(self._server) if chosen == "h2" else self._server.connect()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


def make_certificates(folder):
    """An authority and a certificate of it, good for a day."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "1", "-subj", "/CN=Millrace test authority")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(
        "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem", "-days", "1",
        "-extfile", "names")


async def main():
    options = arguments()
    server = Server(options, Observations(options.log))
    with tempfile.TemporaryDirectory(prefix="millrace-h2-") as name:
        folder = pathlib.Path(name)
        make_certificates(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        context.set_alpn_protocols(["h2", "http/1.1"])
        listener = await asyncio.get_running_loop().create_server(
            lambda: NegotiatedConnection(server), "127.0.0.1", options.port, ssl=context)
        print(listener.sockets[0].getsockname()[1], folder / "ca.pem", flush=True)
        await stopped(options.until_eof)


if __name__ == "__main__":
    asyncio.run(main())
