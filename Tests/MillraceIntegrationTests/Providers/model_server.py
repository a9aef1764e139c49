#!/usr/bin/env python3
"""An instant model server for tests: OpenAI's and Anthropic's APIs and one of nobody's, with a model that repeats the question.

    model_server.py [--port 0] [--key test-key] [--log FILE | --log -] [--bodies] [--faultless] [--until-eof]

The first line on standard output is the port. Standard library only. It answers at once, and always the same for the same request.

Routes
    /v1/chat/completions  /v1/embeddings  /v1/models             OpenAI
    /v1/messages  /v1/messages/count_tokens  /v1/models          Anthropic; the last with the header anthropic-version
    /custom/generate                                             nobody's, see custom_api.py
    GET /_observations?since=N                   what it saw so far, as JSON
    GET /_observations?wait=5&event=E&tag=NAME   answers with the first observation that has these fields, `null` after 5 seconds
Models: mill-chat, mill-reasoner (refuses what reasoning models refuse), mill-embedding. What the services document as wrong is answered
with their own errors. A token is a word; a tool call's arguments and JSON answers count one for every 8 characters.

Directives: words in the last user message with text (or the prompt, or the first text to embed); they are not part of the question.
    #tokens=50            the answer's length; without it the question is repeated once
    #delay_ms=5           before each token
    #tool=a,b             calls these tools, until their results follow; the arguments are the simplest that fit the schema
    #args={…}             the arguments instead, as they stand (no white space, and not checked: they may be broken JSON)
    #think=4              that many tokens of thinking first (OpenAI: reasoning_content; Anthropic: where the request allows thinking)
    #redacted             Anthropic: a redacted_thinking block as well
    #cite=2               Anthropic: cites that sentence of each document (counted from 1), not the one nearest to the question
    #refuse               a refusal, each service's own way
    #finish=NAME          another finish or stop reason
    #cached=3             that many prompt tokens were cached (Anthropic's cache_control blocks do this by themselves)
    #usage=none           no usage anywhere
    #error=429            that status with the service's error; #error=mid an error within the stream, after half the tokens
    #retry_after=1 #retry_after_ms=50   that header with the error
    #hang=head|first|start|mid|end   sends nothing more: no head, no body, behind the stream's first event, which holds no token, from half
                          the tokens on, or before the stream's end
    #cut=head|first|start|mid|end    closes there; `mid` without the last chunk, `end` a well-formed body without the service's end of the
                          stream
    #cut=chunk #cut=reset      closes in the middle of a chunk; closes with RST; both after half the tokens
    #slow_head            the head byte by byte, #delay_ms (2 ms) apart
    #status_times=2       error, hang, cut and slow_head befall only the first two requests with this very text; later ones succeed
    #split=bytes|7|all    the stream's bytes one by one, seven by seven, or all in one chunk
    #crlf #framing=close  CRLF in the stream; a body that ends with the connection instead of chunks
    #mark=10              an observation once 10 tokens are sent
    #tag=NAME             goes with the request's observations

Observations: {"t": nanoseconds of CLOCK_MONOTONIC, "event": …, "connection": number, "request": number, "tag": …} and
    connection_opened (http), without request and tag
    request_accepted (method, path, http, stream; with --bodies the body)   head_sent (status)   first_token   tokens_sent (tokens)
    hanging (tokens)   response_ended (tokens)   response_cut (tokens)
    client_closed (tokens, how: eof, reset, closed, stream_reset): the client went before the answer was whole
Header fields are never observed: they hold the credentials.
"""
import argparse
import asyncio
import signal
import sys

import anthropic_api
import custom_api
import openai_api
from exchange import Exchange
from http_server import Connection
from observations import Observations


class Server:
    def __init__(self, options, observations):
        self.key, self.observations, self.logs_bodies = options.key, observations, options.bodies
        self.is_faultless = options.faultless
        self.failures = {}
        """How often each text with faults was asked, for #status_times."""
        self.cached_prompts = set()
        """The prompts that Anthropic's cache holds."""

    def connect(self):
        return Connection(self.exchange, self.observations)

    def exchange(self, connection, request):
        return Exchange(self, connection, request)

    async def handle(self, exchange):
        path = exchange.request.path
        if path == "/_observations":
            query = dict(exchange.request.query)
            if "wait" in query:
                await exchange.answer(await self.observations.wait_for(query, float(query.pop("wait"))))
            else:
                await exchange.answer(self.observations.json(int(query.get("since", "0"))))
        elif path.startswith("/custom/"):
            await custom_api.handle(exchange)
        elif path.startswith("/v1/messages") or "anthropic-version" in exchange.request.headers:
            await anthropic_api.handle(exchange)
        else:
            await openai_api.handle(exchange)


def arguments():
    """The arguments that this server and h2_server.py have in common."""
    parser = argparse.ArgumentParser(description="An instant model server for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="test-key", help="the API key that clients must send")
    parser.add_argument("--log", help="where observations go, one JSON object a line; - for standard output, behind the port")
    parser.add_argument("--bodies", action="store_true", help="observe requests with their JSON bodies")
    parser.add_argument("--faultless", action="store_true", help="let no directive make an answer fail: the second of two servers")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends, so that no server outlives its test")
    return parser.parse_args()


async def stopped(until_eof):
    """Returns at SIGTERM or SIGINT, or at the end of standard input."""
    loop = asyncio.get_running_loop()
    end = loop.create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: end.done() or end.set_result(None))
    if until_eof:
        await loop.connect_read_pipe(lambda: EndOfInput(end), sys.stdin)
    await end


class EndOfInput(asyncio.Protocol):
    """Reads standard input only to see its end."""

    def __init__(self, ended):
        self._ended = ended

    def connection_lost(self, error):
        if not self._ended.done():
            self._ended.set_result(None)


async def main():
    options = arguments()
    server = Server(options, Observations(options.log))
    listener = await asyncio.get_running_loop().create_server(server.connect, "127.0.0.1", options.port, backlog=1024)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await stopped(options.until_eof)


if __name__ == "__main__":
    asyncio.run(main())
