"""Anthropic's messages, token counts and models, answered by a model that repeats the question."""
import hashlib
import json
import re

import anthropic_validation as validation
from anthropic_validation import failure, listed, signature
from directives import DirectiveError, answer_words, instance, pieces, words
from exchange import Failure
from http_server import json_bytes

ROUTES = {}


def route(method, path):
    return lambda function: ROUTES.setdefault((method, path), function)


async def handle(exchange):
    request = exchange.request
    identifier = f"req_{exchange.number:024d}"
    exchange.headers["request-id"] = identifier
    try:
        function = ROUTES.get((request.method, request.path))
        if function is None:
            raise failure(405 if any(path == request.path for _, path in ROUTES) else 404, "Not found")
        validation.check_headers(exchange)
        await function(exchange)
    except Failure as error:
        error.body["request_id"] = identifier
        raise


@route("GET", "/v1/models")
async def models(exchange):
    names = validation.MODELS
    query = exchange.request.query
    limit = query.get("limit", "20")
    validation.require(limit.isdecimal() and 1 <= int(limit) <= 1000, "limit: Input should be between 1 and 1000")
    if "after_id" in query:
        validation.require(query["after_id"] in names, "after_id: no such model")
        names = names[names.index(query["after_id"]) + 1:]
    page = names[: int(limit)]
    data = [
        {"type": "model", "id": name, "display_name": name.replace("-", " ").title(), "created_at": "2026-01-01T00:00:00Z",
         "lifecycle": "active", "max_input_tokens": 200_000, "max_tokens": 64_000}
        for name in page
    ]
    await exchange.answer({
        "data": data, "has_more": len(page) < len(names), "first_id": page[0] if page else None, "last_id": page[-1] if page else None,
    })


@route("POST", "/v1/messages/count_tokens")
async def count_tokens(exchange):
    body = validation.check_body(exchange, validation.COUNT_MEMBERS)
    await exchange.follow(question(body), failure)
    await exchange.answer({"input_tokens": sum(count for _, count in prompt_parts(body))})


@route("POST", "/v1/messages")
async def messages(exchange):
    body = validation.check_body(exchange, validation.MEMBERS)
    await exchange.follow(question(body), failure)
    try:
        message = Message(body, exchange.directives, exchange.server.cached_prompts)
    except DirectiveError as error:
        raise failure(400, str(error)) from None
    base = {"id": f"msg_{exchange.number:024d}", "type": "message", "role": "assistant", "model": body["model"]}
    if body.get("stream"):
        error = failure(529).body
        await exchange.stream(message.frames(base), event("error", {name: error[name] for name in ("type", "error")}))
    else:
        await exchange.answer(message.whole(base), message.token_count)


def event(name, value):
    return f"event: {name}\ndata: ".encode() + json_bytes(value) + b"\n\n"


def texts(content):
    return "\n".join(block["text"] for block in listed(content) if block["type"] == "text")


def question(body):
    """The last user message's text; tool results are none."""
    asked = [texts(message["content"]) for message in body["messages"] if message["role"] == "user"]
    return next((text for text in reversed(asked) if text), "")


def prompt_parts(body):
    """The prompt in the order of the cache (tools, system, messages) as (block, tokens); a token is a word, and a message costs 3 more."""
    parts = [(tool, len(words(json.dumps(tool)))) for tool in body.get("tools") or []]
    parts += [(block, len(words(block["text"]))) for block in listed(body.get("system"))]
    for message in body["messages"]:
        for index, block in enumerate(listed(message["content"])):
            text = block["text"] if block["type"] == "text" else json.dumps(block)
            parts.append((block, len(words(text)) + (3 if index == 0 else 0)))
    return parts


class Message:
    """What the model says to a request: content blocks with the pieces in which each comes."""

    def __init__(self, body, directives, cached_prompts):
        self.directives = directives
        self.stop_reason, self.stop_sequence = "end_turn", None
        self.blocks = self._thinking(body)
        calls = self._calls(body)
        if directives.refuse:
            self.stop_reason = "refusal"
        elif calls:
            self.stop_reason = "tool_use"
            self.blocks += [self._tool_use(index, *call) for index, call in enumerate(calls)]
        else:
            self.blocks += self._cited(body) or [({"type": "text", "text": ""}, self._text(body))]
            self._stop_and_limit(body)
        self.stop_reason = directives.finish or self.stop_reason
        self.token_count = sum(len(tokens) for _, tokens in self.blocks)
        self._count_prompt(body, cached_prompts)

    def _thinking(self, body):
        kind = (body.get("thinking") or {}).get("type")
        count = self.directives.think or (4 if kind == "enabled" else 0)
        if kind not in ("enabled", "adaptive") or not count:
            return []
        thoughts = ["hm "] * count
        shown = [] if body["thinking"].get("display") == "omitted" else thoughts
        found = [({"type": "thinking", "thinking": "", "signature": signature("".join(shown))}, shown)]
        if self.directives.redacted:
            found.append(({"type": "redacted_thinking", "data": signature("redacted")}, []))
        return found

    def _calls(self, body):
        tools = {tool["name"]: tool["input_schema"] for tool in body.get("tools") or []}
        choice = body.get("tool_choice") or {"type": "auto"}
        calls = self.directives.tool_calls(tools)
        if choice["type"] == "none" or any(block["type"] == "tool_result" for block in listed(body["messages"][-1]["content"])):
            return []
        forced = choice.get("name") or (next(iter(tools)) if choice["type"] == "any" and not calls else None)
        if forced:
            calls = [(forced, self.directives.args or json.dumps(instance(tools[forced], self.directives.plain_text)))]
        return calls[:1] if choice.get("disable_parallel_tool_use") else calls

    def _tool_use(self, index, name, arguments):
        identifier = "toolu_" + hashlib.sha256(f"{index}{name}{arguments}".encode()).hexdigest()[:24]
        return {"type": "tool_use", "id": identifier, "name": name, "input": {}}, pieces(arguments)

    def _text(self, body):
        form = (body.get("output_config") or {}).get("format")
        return pieces(json.dumps(instance(form["schema"], self.directives.plain_text))) if form else answer_words(self.directives)

    def _cited(self, body):
        """For each document with citations a text of our own and one that quotes it."""
        found = []
        documents = [block for block in validation.blocks(body["messages"]) if block["type"] == "document"]
        for number, document in enumerate(documents):
            if not (document.get("citations") or {}).get("enabled"):
                continue
            title = {"document_index": number, "document_title": document.get("title"), "file_id": None}
            citation = {**cite(document, self.directives), **title}
            found.append(({"type": "text", "text": ""}, [f"Document {number + 1} says: "]))
            found.append(({"type": "text", "text": "", "citations": [citation]}, words(citation["cited_text"])))
        return found

    def _stop_and_limit(self, body):
        block, tokens = self.blocks[-1]
        whole = "".join(tokens)
        ends = [(whole.index(stop), stop) for stop in body.get("stop_sequences") or [] if stop in whole]
        if ends:
            end, self.stop_sequence = min(ends)
            self.stop_reason = "stop_sequence"
            self.blocks[-1] = (block, words(whole[:end]))
        rest = body["max_tokens"]
        for index, (block, tokens) in enumerate(self.blocks):
            if len(tokens) > rest:
                self.stop_reason, self.stop_sequence = "max_tokens", None
                self.blocks[index] = (block, tokens[:rest])
            rest -= min(rest, len(tokens))

    def _count_prompt(self, body, cached_prompts):
        """What is before the last cache_control is written to the cache, or read from it when an earlier request had the same."""
        parts = prompt_parts(body)
        marks = [index for index, (block, _) in enumerate(parts) if block.get("cache_control")]
        end = len(parts) if body.get("cache_control") else marks[-1] + 1 if marks else 0
        written = sum(count for _, count in parts[:end])
        read = min(self.directives.cached or 0, sum(count for _, count in parts))
        if end:
            key = json.dumps([block for block, _ in parts[:end]], sort_keys=True)
            if key in cached_prompts:
                read, written = written, 0
            cached_prompts.add(key)
        self.input_usage = {
            "input_tokens": sum(count for _, count in parts) - written - read, "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
        }

    def _usage(self, output_tokens):
        return {} if self.directives.usage else {"usage": {**self.input_usage, "output_tokens": output_tokens}}

    def _finished(self, block, tokens):
        """A block as it is once all its pieces have come."""
        text = "".join(tokens)
        if block["type"] == "tool_use":
            try:
                return {**block, "input": json.loads(text or "{}")}
            except ValueError:
                raise failure(400, "#args: an answer in one piece needs JSON here") from None
        return {**block, block["type"]: text} if block["type"] in ("text", "thinking") else block

    def whole(self, base):
        return {
            **base, "content": [self._finished(*block) for block in self.blocks], "stop_reason": self.stop_reason,
            "stop_sequence": self.stop_sequence, **self._usage(self.token_count),
        }

    def frames(self, base):
        """The stream's events as (bytes, tokens, whether it tells the end)."""
        start = {**base, "content": [], "stop_reason": None, "stop_sequence": None, **self._usage(1)}
        frames = [(event("message_start", {"type": "message_start", "message": start}), 0, False)]

        def add(name, value, tokens=0):
            frames.append((event(name, {"type": name, **value}), tokens, name.startswith("message_")))

        for index, (block, tokens) in enumerate(self.blocks):
            kind = block["type"]
            blank = {name: [] if name == "citations" else "" if name == "signature" else value for name, value in block.items()}
            add("content_block_start", {"index": index, "content_block": blank})
            if index == 0:
                add("ping", {})
            name, member = {"thinking": ("thinking_delta", "thinking"), "tool_use": ("input_json_delta", "partial_json")}.get(
                kind, ("text_delta", "text"))
            for token in ([""] if kind == "tool_use" else []) + tokens:
                add("content_block_delta", {"index": index, "delta": {"type": name, member: token}}, 1 if token else 0)
            for citation in block.get("citations", []):
                add("content_block_delta", {"index": index, "delta": {"type": "citations_delta", "citation": citation}})
            if kind == "thinking":
                add("content_block_delta", {"index": index, "delta": {"type": "signature_delta", "signature": block["signature"]}})
            add("content_block_stop", {"index": index})
        delta = {"stop_reason": self.stop_reason, "stop_sequence": self.stop_sequence}
        add("message_delta", {"delta": delta, **self._usage(self.token_count)})
        add("message_stop", {})
        return frames


def cite(document, directives):
    """Where in a document its answer to the question stands, in the document's own way to say where."""
    source = document["source"]
    if source["type"] == "content":
        content = listed(source["content"])
        place = min((directives.cite or 1) - 1, len(content) - 1)
        return {
            "type": "content_block_location", "cited_text": content[place].get("text", ""), "start_block_index": place,
            "end_block_index": place + 1,
        }
    if source["type"] != "text":  # A PDF, which this model does not read.
        page = directives.cite or 1
        return {"type": "page_location", "cited_text": f"Text of page {page}.", "start_page_number": page, "end_page_number": page + 1}
    sentences = [found for found in re.finditer(r"\S[^.!?]*[.!?]?\s*", source["data"])]
    asked = set(directives.plain_text.lower().split())
    nearest = max(sentences, key=lambda found: len(asked & set(re.findall(r"\w+", found.group().lower()))))
    chosen = sentences[min(directives.cite, len(sentences)) - 1] if directives.cite else nearest
    return {
        "type": "char_location", "cited_text": chosen.group(), "start_char_index": chosen.start(), "end_char_index": chosen.end(),
    }
