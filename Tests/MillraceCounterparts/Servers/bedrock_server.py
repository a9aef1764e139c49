"""A Bedrock Runtime of the tests' own: Converse, ConverseStream, InvokeModel, InvokeModelWithResponseStream, ApplyGuardrail, CountTokens.

    python bedrock_server.py [--port P] [--region R] [--clock-offset SECONDS] [--key ID:SECRET[:SESSIONTOKEN]]... [--token TOKEN]...

Prints its port as the first line and serves until it is killed. Every request has to be signed for the service `bedrock` and the region
(default `us-east-1`), or to carry a bearer token; signatures are computed anew by botocore (bedrock_authentication.py). Keys and tokens,
where none are given: `AKIATEST` with the secret `sekrit`, `AKIATEMP` with `sekrit` and the session token `session`, `AKIADENIED` with
`sekrit`, which may do nothing; the token `bearer-token`. A session token that begins with `expired` has expired. With --clock-offset the
service's time is another than the machine's. Every request's members are held against botocore's service model (bedrock_validation.py),
and so is every answer.

Models: `amazon.titan-embed-text-v2:0`, `cohere.embed-english-v3` and others with `cohere.embed-` (bedrock_embeddings.py); any id for
Converse; any with `anthropic.` or `test.` in it for InvokeModel, which then speaks Anthropic's Messages API (bedrock_messages.py). An id
with `missing` in it does not exist. The guardrail's rules are in bedrock_guardrail.py.

Directives (bedrock_directives.py tells where they stand) steer the answer. Without one the model repeats the last user message.
  say:TEXT  tokens:N  silent        what is said: the text, `word1 ... wordN`, nothing
  answer:TEXT                       what is said where no output format is asked for
  reasoning[:TEXT]  redacted        reasoning with a signature, redacted reasoning before the answer
  tool:NAME[=JSON]                  a call of a tool that the request has (its input: the least that the schema allows)
  server-tool  image  cite-web:URL  a tool that the service runs and its result; an image; a citation of a web page
  stop:REASON                       another stop reason
Documents and search results that allow citations are cited; a forced tool choice calls the tool; an output format of JSON is kept; images
and documents are acknowledged as `[image png 70]`; cache points are remembered: the second request with the same prefix reads it.
How it is answered:
  fail:CODE[:TIMES]                 an error instead of an answer; with TIMES, the first so many requests with the same body
  drop:TIMES                        close the connection without an answer, so many times
  head:MS  first:MS  delay:MS       wait before the head, before the first content, after every content event
  linger:MS                         wait between a stream's last message and the end of its response
  stall  stall-after                answer nothing at all; nothing after the first content
  stream-exception:TYPE             an exception in the stream before the first content, such as `throttlingException`
  stream-exception-after:TYPE       and after it
  stream-error:CODE                 a message of the type `error` after the first content
  unknown-event                     an event of a kind that nobody knows, before the end
  cut:frame  cut:between            close the connection after the first content: within a message, between two
  cut:frame-end  cut:end            end the response properly after the first content: within a message, between two
  cut:metadata                      end it after messageStop, without metadata
  corrupt:prelude  corrupt:message  a wrong checksum of the lengths, of the whole, after the first content
  corrupt:length  corrupt:type      a message of 2 GiB; a header of an unknown type
  tiny  chunks:N                    the stream in pieces of 1 to 7 bytes in turn, of N bytes
  tag:NAME                          a mark for the observations

`GET /_observations`, unsigned, tells what was asked: a JSON array of {number, connection, operation, path, modelId, tag, authentication,
body, headers, status, error, outcome}; `connection` is the number of the TCP connection; `outcome` is `complete`, `cut` (by a directive),
`closed` (the client has closed its connection in the middle of it) or null while it goes on. `?tag=T&outcome=O` chooses (`any`: it
has ended); `&count=N&timeout=S` waits until there are N of them.
"""
import argparse
import base64
import binascii
import datetime
import json
import re
import select
import socket
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import bedrock_embeddings
import bedrock_guardrail
import bedrock_messages
from bedrock_answers import Answer, invalid
from bedrock_authentication import Authentication, Refusal
from bedrock_directives import Directives, texts_within
from bedrock_stream import Cut, Stream
from bedrock_validation import MODEL, input_problems, output_problems

ROUTES = [
    (re.compile(r"/model/([^/]+)/converse"), "Converse"),
    (re.compile(r"/model/([^/]+)/converse-stream"), "ConverseStream"),
    (re.compile(r"/model/([^/]+)/invoke"), "InvokeModel"),
    (re.compile(r"/model/([^/]+)/invoke-with-response-stream"), "InvokeModelWithResponseStream"),
    (re.compile(r"/model/([^/]+)/count-tokens"), "CountTokens"),
    (re.compile(r"/guardrail/([^/]+)/version/([^/]+)/apply"), "ApplyGuardrail"),
]
# Of a failure that the model is said to have had.
DETAILS = {"ModelErrorException": {"originalStatusCode": 500, "resourceName": "the-model"}}


class ClientGone(Exception):
    """The client has closed its connection."""


class Observations:
    """What was asked, and how it ended."""

    def __init__(self):
        self._records, self._changed = [], threading.Condition()

    def add(self, record):
        with self._changed:
            record["number"] = len(self._records) + 1
            self._records.append(record)
            self._changed.notify_all()

    def end(self, record, outcome):
        with self._changed:
            record["outcome"] = outcome
            self._changed.notify_all()

    def find(self, tag, outcome, count, timeout):
        def chosen():
            return [record for record in self._records if (tag is None or record["tag"] == tag) and (
                outcome is None or record["outcome"] == outcome or outcome == "any" and record["outcome"])]

        with self._changed:
            self._changed.wait_for(lambda: len(chosen()) >= count, timeout)
            return json.dumps(chosen())


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, arguments):
        super().__init__(("127.0.0.1", arguments.port), Handler)
        keys = {}
        for text in arguments.key or ["AKIATEST:sekrit", "AKIATEMP:sekrit:session", "AKIADENIED:sekrit"]:
            parts = text.split(":", 2)
            keys[parts[0]] = (parts[1], parts[2] if len(parts) > 2 else None)
        self.authentication = Authentication(keys, arguments.token or ["bearer-token"], arguments.region)
        self.offset = datetime.timedelta(seconds=arguments.clock_offset)
        self.observations = Observations()
        self._connections, self._failures, self._lock = 0, {}, threading.Lock()

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + self.offset

    def next_connection(self):
        with self._lock:
            self._connections += 1
            return self._connections

    def fails(self, code, times, body):
        """Whether this request is one of the first so many with this body."""
        with self._lock:
            self._failures[(code, body)] = self._failures.get((code, body), 0) + 1
            return self._failures[(code, body)] <= times


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.number = self.server.next_connection()

    def log_message(self, *arguments):
        pass

    def date_time_string(self, timestamp=None):
        return self.server.now().strftime("%a, %d %b %Y %H:%M:%S GMT")

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path != "/_observations":
            return self.refuse(Refusal("UnknownOperationException", "There is no such operation.", 404))
        wanted = dict(urllib.parse.parse_qsl(query))
        found = self.server.observations.find(
            wanted.get("tag"), wanted.get("outcome"), int(wanted.get("count", 0)), float(wanted.get("timeout", 5)))
        self.answer(200, found.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        operation, identifiers = self.route()
        try:
            value = json.loads(body or b"{}")
        except ValueError:
            value = None
        directives = Directives(identifiers[0] if identifiers else "", steering_texts(operation, value))
        self.record = {
            "connection": self.number, "operation": operation, "path": self.path, "modelId": identifiers[0] if identifiers else None,
            "tag": directives.get("tag"), "authentication": None, "body": value, "status": None, "error": None, "outcome": None,
            "headers": {name: text for name, text in self.headers.items() if name.lower() != "authorization"}}
        self.server.observations.add(self.record)
        outcome = "complete"
        try:
            try:
                authentication = self.server.authentication
                self.record["authentication"] = authentication.check("POST", self.path, self.headers, body, self.server.now())
                self.perform(operation, identifiers, body, value, directives)
            except Refusal as refusal:
                self.refuse(refusal)
        except (ClientGone, BrokenPipeError, ConnectionResetError):
            outcome, self.close_connection = "closed", True
        except Cut:
            outcome, self.close_connection = "cut", True
            self.connection.shutdown(socket.SHUT_RDWR)
        finally:
            self.server.observations.end(self.record, outcome)

    def route(self):
        for pattern, operation in ROUTES:
            match = pattern.fullmatch(self.path)
            if match:
                return operation, [urllib.parse.unquote(text) for text in match.groups()]
        return None, []

    # Answers

    def answer(self, status, body, headers=None):
        self.record_status(status)
        self.send_response(status)
        for name, text in ({"Content-Type": "application/json", "Content-Length": str(len(body)),
                            "x-amzn-RequestId": self.request_id()} | (headers or {})).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, refusal):
        if hasattr(self, "record"):
            self.record["error"] = refusal.code
        self.answer(
            refusal.status, json.dumps({"message": refusal.message} | DETAILS.get(refusal.code, {})).encode(),
            {"x-amzn-ErrorType": f"{refusal.code}:http://internal.amazon.com/coral/com.amazon.bedrock/"})

    def record_status(self, status):
        if hasattr(self, "record"):
            self.record["status"] = status

    def request_id(self):
        return f"00000000-0000-4000-8000-{self.record['number']:012}" if hasattr(self, "record") else "-"

    def respond(self, operation, value, headers=None):
        """A whole answer, as the service model has it."""
        problems = output_problems(operation, value)
        if problems:
            raise AssertionError(f"the server's own answer is wrong: {problems}")
        self.answer(200, json.dumps(value, ensure_ascii=False).encode(), headers)

    def begin_stream(self, headers=None):
        self.record_status(200)
        self.send_response(200)
        for name, text in ({"Content-Type": "application/vnd.amazon.eventstream", "Transfer-Encoding": "chunked",
                            "x-amzn-RequestId": self.request_id()} | (headers or {})).items():
            self.send_header(name, text)
        self.end_headers()

    def pause(self, seconds):
        """Waits, and notices when the client closes its connection meanwhile. `None`: until it does."""
        if seconds == 0:
            return
        readable, _, _ = select.select([self.connection], [], [], seconds)
        if readable and self.connection.recv(1, socket.MSG_PEEK) == b"":
            raise ClientGone
        if seconds is None:
            raise ClientGone

    # Operations

    def perform(self, operation, identifiers, body, value, directives):
        if operation is None:
            raise Refusal("UnknownOperationException", "There is no such operation.", 404)
        self.check(operation, identifiers, body, value)
        if "stall" in directives:
            self.pause(None)
        self.pause(directives.number("head") / 1000)
        if "drop" in directives and self.server.fails("drop", directives.number("drop"), body):
            raise Cut
        for text in directives.all("fail"):
            code, _, times = text.partition(":")
            if not times or self.server.fails(code, int(times), body):
                raise Refusal(code, f"The prompt asked for {code}.", status_of(code))
        getattr(self, {
            "Converse": "converse", "ConverseStream": "converse_stream", "InvokeModel": "invoke",
            "InvokeModelWithResponseStream": "invoke_stream", "CountTokens": "count_tokens", "ApplyGuardrail": "apply_guardrail",
        }[operation])(identifiers, value, directives)

    def check(self, operation, identifiers, body, value):
        """The request against the service model."""
        if operation == "ApplyGuardrail":
            bound = {"guardrailIdentifier": identifiers[0], "guardrailVersion": identifiers[1]}
        else:
            bound = {"modelId": identifiers[0]}
        if operation.startswith("InvokeModel"):
            if not isinstance(value, dict):
                raise invalid("Malformed input request, please reformat your input and try again.")
            members = MODEL.operation_model(operation).input_shape.members
            for name, shape in members.items():
                if shape.serialization.get("location") == "header" and shape.serialization["name"] in self.headers:
                    bound[name] = self.headers[shape.serialization["name"]]
            bound["body"] = base64.b64encode(body).decode()
        else:
            if not isinstance(value, dict):
                raise Refusal("SerializationException", "The request's body is not a JSON object.", 400)
            if set(bound) & set(value):
                raise invalid(f"{sorted(set(bound) & set(value))} stand in the path, not in the body")
            bound |= value
        problems = input_problems(operation, bound)
        if any("'modelId'" in problem for problem in problems):
            raise invalid("The provided model identifier is invalid.")
        if problems:
            count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
            raise invalid(count + "; ".join(problems))
        if "missing" in bound.get("modelId", ""):
            raise Refusal(
                "ResourceNotFoundException", "Could not resolve the foundation model from the provided model identifier.", 404)

    def converse(self, identifiers, value, directives):
        self.respond("Converse", self.conversation(identifiers, value, directives).response())

    def converse_stream(self, identifiers, value, directives):
        answer = self.conversation(identifiers, value, directives)
        self.begin_stream()
        Stream("ConverseStream", directives, self.wfile.write, self.pause).send(answer.events())

    def conversation(self, identifiers, value, directives):
        if "embed" in identifiers[0]:
            raise invalid("The action or operation is not supported for the model. Verify that you are using a supported model.")
        return Answer(identifiers[0], value, directives)

    def invoke(self, identifiers, value, directives):
        model_id = identifiers[0]
        if "titan-embed-text-v2" in model_id:
            response, asked = bedrock_embeddings.titan(value)
            said = None
        elif "cohere.embed-" in model_id:
            response, asked = bedrock_embeddings.cohere(model_id, value)
            said = None
        elif "anthropic." in model_id or "test." in model_id:
            response = bedrock_messages.answer(model_id, value, directives)
            asked, said = response["usage"]["input_tokens"], response["usage"]["output_tokens"]
        else:
            raise invalid(f"The model '{model_id}' is not served by InvokeModel.")
        headers = {"X-Amzn-Bedrock-Input-Token-Count": str(asked), "X-Amzn-Bedrock-Invocation-Latency": "9"}
        if said is not None:
            headers |= {"X-Amzn-Bedrock-Output-Token-Count": str(said), "X-Amzn-Bedrock-Cache-Read-Input-Token-Count": "0",
                        "X-Amzn-Bedrock-Cache-Write-Input-Token-Count": "0"}
        self.answer(200, json.dumps(response, ensure_ascii=False).encode(), headers | self.echoed())

    def invoke_stream(self, identifiers, value, directives):
        if "embed" in identifiers[0] or not ("anthropic." in identifiers[0] or "test." in identifiers[0]):
            raise invalid("The model is unsupported for streaming.")
        message = bedrock_messages.answer(identifiers[0], value, directives)
        self.begin_stream({"X-Amzn-Bedrock-Content-Type": "application/json"} | self.echoed())
        chunks = (("chunk", {"bytes": base64.b64encode(json.dumps(part, ensure_ascii=False).encode()).decode()})
                  for part in bedrock_messages.events(message))
        Stream("InvokeModelWithResponseStream", directives, self.wfile.write, self.pause).send(chunks)

    def echoed(self):
        """What the service says of how it served a request."""
        names = ["X-Amzn-Bedrock-PerformanceConfig-Latency", "X-Amzn-Bedrock-Service-Tier"]
        return {name: self.headers[name] for name in names if name in self.headers}

    def count_tokens(self, identifiers, value, directives):
        kind, members = next(iter(value["input"].items()))
        if kind == "invokeModel":
            try:
                members = json.loads(base64.b64decode(members["body"]))
            except (ValueError, binascii.Error):
                raise invalid("The body of the request to count is not JSON.")
        self.respond("CountTokens", {"inputTokens": sum(len(text.split()) for text in texts_within(members))})

    def apply_guardrail(self, identifiers, value, directives):
        self.respond("ApplyGuardrail", bedrock_guardrail.apply(identifiers[0], identifiers[1], value))


def steering_texts(operation, value):
    """The texts whose directives count."""
    if not isinstance(value, dict):
        return []
    messages = value.get("messages")
    if operation in ("Converse", "ConverseStream") and isinstance(messages, list):
        return texts_within(next((message for message in reversed(messages) if message.get("role") == "user"), {}))
    return texts_within(value)


def status_of(code):
    """The HTTP status of an error, as the service model has it."""
    try:
        return int(MODEL.shape_for(code).metadata["error"]["httpStatusCode"])
    except Exception:
        return {"ServiceQuotaExceededException": 400}.get(code, 500)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--clock-offset", type=int, default=0)
    parser.add_argument("--key", action="append")
    parser.add_argument("--token", action="append")
    server = Server(parser.parse_args())
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
