"""OpenAI's chat completions, embeddings and models, answered by a model that repeats the question."""
import base64
import hashlib
import json
import math
import random
import struct

import openai_validation as validation
from directives import DirectiveError, answer_words, instance, pieces, words
from http_server import json_bytes
from openai_validation import failure

CREATED = 1_700_000_000
ROUTES = {}


def route(method, path):
    return lambda function: ROUTES.setdefault((method, path), function)


async def handle(exchange):
    request = exchange.request
    exchange.headers["x-request-id"] = f"req_{exchange.number}"
    function = ROUTES.get((request.method, request.path))
    if function is None:
        if any(path == request.path for _, path in ROUTES):
            raise failure(405, f"Not allowed to {request.method} on {request.path}.", None, "method_not_supported")
        raise failure(404, f"Invalid URL ({request.method} {request.path})")
    validation.check_key(exchange)
    await function(exchange)


@route("GET", "/v1/models")
async def models(exchange):
    data = [
        {"id": name, "object": "model", "created": CREATED, "owned_by": "millrace"}
        for name in validation.CHAT_MODELS + validation.EMBEDDING_MODELS
    ]
    await exchange.answer({"object": "list", "data": data})


# Embeddings


@route("POST", "/v1/embeddings")
async def embeddings(exchange):
    body = validation.check_request(exchange, validation.EMBEDDING_MEMBERS, validation.EMBEDDING_MODELS)
    inputs = validation.check_embeddings(body)
    first = inputs[0] if isinstance(inputs[0], str) else ""
    await exchange.follow(first, failure)
    texts = [exchange.directives.plain_text or "mill"] + inputs[1:] if first else inputs
    data = []
    for index, text in enumerate(texts):
        vector = embed(text, body.get("dimensions") or 1536)
        value = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if body.get("encoding_format") == "base64" else vector
        data.append({"object": "embedding", "index": index, "embedding": value})
    answer = {"object": "list", "data": data, "model": body["model"]}
    if not exchange.directives.usage:
        count = sum(len(words(text) if isinstance(text, str) else text) for text in texts)
        answer["usage"] = {"prompt_tokens": count, "total_tokens": count}
    await exchange.answer(answer)


def embed(text, width):
    """A vector of length 1 that is nearer to another the more words they share: the sum of one random vector a word."""
    total = [0.0] * width
    for word in text.lower().split() if isinstance(text, str) else map(str, text):
        source = random.Random(hashlib.sha256(word.encode()).digest())
        for index in range(width):
            total[index] += source.uniform(-1, 1)
    norm = math.sqrt(sum(value * value for value in total)) or 1
    # Rounded to 32 bits, so that both encodings give the same numbers.
    return [struct.unpack("<f", struct.pack("<f", value / norm))[0] for value in total]


# Chat completions


@route("POST", "/v1/chat/completions")
async def chat(exchange):
    body = validation.check_request(exchange, validation.CHAT_MEMBERS, validation.CHAT_MODELS)
    validation.check_chat(body)
    messages = body["messages"]
    user = [message for message in messages if message["role"] == "user"]
    await exchange.follow(text_of(user[-1]) if user else "", failure)
    try:
        completion = Completion(body, exchange.directives)
    except DirectiveError as error:
        raise failure(400, str(error)) from None
    base = {"id": f"chatcmpl-{exchange.number}", "created": CREATED, "model": body["model"], "system_fingerprint": "fp_mill"}
    if body.get("stream"):
        await exchange.stream(completion.frames(base), b"data: " + json_bytes(failure(500).body) + b"\n\n")
    else:
        await exchange.answer(completion.whole(base), completion.token_count)


def text_of(message):
    content = message.get("content") or ""
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content if part["type"] == "text")


class Completion:
    """What the model says to a request."""

    def __init__(self, body, directives):
        self.directives = directives
        self.wants_usage = not directives.usage and (not body.get("stream") or (body.get("stream_options") or {}).get("include_usage"))
        self.prompt_tokens = sum(3 + len(words(text_of(message))) for message in body["messages"])
        self.thinking = ["hm "] * directives.think if directives.think else []
        self.calls = self._calls(body)
        self.refusal = ["I ", "can't ", "help ", "with ", "that."] if directives.refuse else []
        self.text = [] if self.calls or self.refusal else self._text(body)
        self.finish = "tool_calls" if self.calls else "stop"
        self._stop_and_limit(body)
        self.finish = directives.finish or self.finish
        self.token_count = sum(
            map(len, (self.thinking, self.text, self.refusal, *(pieces(arguments) for _, arguments in self.calls))))

    def _calls(self, body):
        tools = {tool["function"]["name"]: tool["function"].get("parameters", {}) for tool in body.get("tools") or []}
        choice = body.get("tool_choice", "auto")
        calls = self.directives.tool_calls(tools)
        if body["messages"][-1]["role"] == "tool" or choice == "none":
            return []
        if isinstance(choice, dict):
            name = choice["function"]["name"]
            calls = [(name, self.directives.args or json.dumps(instance(tools[name], self.directives.plain_text)))]
        elif choice == "required" and not calls:
            name = next(iter(tools))
            calls = [(name, json.dumps(instance(tools[name], self.directives.plain_text)))]
        return calls if body.get("parallel_tool_calls", True) else calls[:1]

    def _text(self, body):
        form = body.get("response_format") or {}
        if form.get("type") == "json_object":
            return pieces(json.dumps({"answer": "".join(answer_words(self.directives))}))
        if form.get("type") == "json_schema":
            return pieces(json.dumps(instance(form["json_schema"]["schema"], self.directives.plain_text)))
        return answer_words(self.directives)

    def _stop_and_limit(self, body):
        stops = body.get("stop") or []
        whole = "".join(self.text)
        ends = [whole.index(stop) for stop in ([stops] if isinstance(stops, str) else stops) if stop in whole]
        if ends:
            self.text = words(whole[: min(ends)])
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        if limit is None or self.calls or self.refusal:
            return
        if len(self.thinking) + len(self.text) > limit:
            self.finish = "length"
        self.thinking = self.thinking[:limit]
        self.text = self.text[: limit - len(self.thinking)]

    @property
    def usage(self):
        return {
            "prompt_tokens": self.prompt_tokens, "completion_tokens": self.token_count,
            "total_tokens": self.prompt_tokens + self.token_count,
            "prompt_tokens_details": {"cached_tokens": min(self.directives.cached or 0, self.prompt_tokens), "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": len(self.thinking), "audio_tokens": 0},
        }

    def _call_id(self, index):
        return "call_" + hashlib.sha256(f"{index}{self.calls[index]}".encode()).hexdigest()[:24]

    def whole(self, base):
        message = {"role": "assistant", "content": "".join(self.text) if self.text or not self.calls else None, "refusal": None}
        if self.thinking:
            message["reasoning_content"] = "".join(self.thinking)
        if self.refusal:
            message.update(content=None, refusal="".join(self.refusal))
        if self.calls:
            message["tool_calls"] = [
                {"id": self._call_id(index), "type": "function", "function": {"name": name, "arguments": arguments}}
                for index, (name, arguments) in enumerate(self.calls)
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}
        return {**base, "object": "chat.completion", "choices": [choice], **({"usage": self.usage} if self.wants_usage else {})}

    def frames(self, base):
        """The stream's events as (bytes, tokens, whether it tells the end)."""
        base = {**base, "object": "chat.completion.chunk"}
        quiet = {"usage": None} if self.wants_usage else {}

        def frame(delta, tokens=0, finish=None):
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return b"data: " + json_bytes({**base, "choices": [choice], **quiet}) + b"\n\n", tokens, finish is not None

        frames = [frame({"role": "assistant", "content": None if self.calls else "", "refusal": None})]
        frames += [frame({"reasoning_content": token}, 1) for token in self.thinking]
        frames += [frame({"content": token}, 1) for token in self.text]
        frames += [frame({"refusal": token}, 1) for token in self.refusal]
        for index, (name, arguments) in enumerate(self.calls):
            start = {"index": index, "id": self._call_id(index), "type": "function", "function": {"name": name, "arguments": ""}}
            frames.append(frame({"tool_calls": [start]}))
            frames += [
                frame({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, 1) for piece in pieces(arguments)
            ]
        frames.append(frame({}, finish=self.finish))
        if self.wants_usage:
            frames.append((b"data: " + json_bytes({**base, "choices": [], "usage": self.usage}) + b"\n\n", 0, True))
        frames.append((b"data: [DONE]\n\n", 0, True))
        return frames
