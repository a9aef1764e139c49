"""What the model behind bedrock_server.py says to Converse and ConverseStream: the answer as a value, and both its forms."""
import base64
import hashlib
import json
import re
import threading

from bedrock_authentication import Refusal
from bedrock_directives import without_directives
from bedrock_guardrail import BLOCKED_INPUT, BLOCKED_OUTPUT, EMAIL, assess, input_texts

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def invalid(message):
    return Refusal("ValidationException", message, 400)


def tokens(text):
    """Words with the white space before them: joined, they are the text."""
    return re.findall(r"\s*\S+", text)


def check_conversation(request):
    """What the shapes don't say, and the service checks."""
    messages = request.get("messages") or []
    if not messages:
        raise invalid("The value at messages is empty. Provide a conversation.")
    if messages[0]["role"] != "user":
        raise invalid("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
    called, names = set(), set()
    for index, message in enumerate(messages):
        if index and message["role"] == messages[index - 1]["role"]:
            raise invalid(f"Roles must alternate: messages.{index} and the one before it are both '{message['role']}'.")
        if not message["content"]:
            raise invalid(f"The content field in the Message object at messages.{index} is empty. Add a ContentBlock object.")
        results = set()
        for place, block in enumerate(message["content"]):
            where = f"messages.{index}.content.{place}"
            if "text" in block and not block["text"].strip():
                raise invalid(f"The text field in the ContentBlock object at {where} is blank. Add text to the text field, and try again.")
            if ("toolUse" in block or "toolResult" in block) and "toolConfig" not in request:
                raise invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
            if "toolResult" in block:
                results.add(block["toolResult"]["toolUseId"])
            if "document" in block:
                check_document(block["document"], names, message["content"])
        if results != called:
            raise invalid(
                f"Expected toolResult blocks at messages.{index}.content for the following Ids: {sorted(called)}, "
                f"but found: {sorted(results)}")
        called = {block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block}
    if messages[-1]["role"] != "user":
        raise invalid("The model does not support assistant message prefill. The conversation must end with a user message.")


def check_document(document, names, content):
    name = document["name"]
    if re.fullmatch(r"[A-Za-z0-9\-()\[\]]+(?: [A-Za-z0-9\-()\[\]]+)*", name) is None:
        raise invalid(
            "The provided document file name contains invalid characters. Your file name can only contain alphanumeric characters, "
            "whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one "
            "consecutive whitespace character.")
    if name in names:
        raise invalid(f"Duplicate document file name '{name}'. Each document has to have a name of its own.")
    names.add(name)
    if not any("text" in block for block in content):
        raise invalid("The content of a message with a document must have a text block, too.")


def instance(schema):
    """The least that satisfies a JSON schema."""
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type", "object")
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: instance(properties.get(name, {"type": "string"})) for name in schema.get("required", properties)}
    if kind == "array":
        return [instance(schema.get("items", {"type": "string"}))]
    return {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}[kind]


class PromptCache:
    """Which prefixes were marked by a cache point before, and how long they are."""

    def __init__(self):
        self._known, self._lock = set(), threading.Lock()

    def usage(self, parts):
        """Tokens that are read, that are written, that are neither."""
        digest, count, read, written = hashlib.sha256(), 0, 0, 0
        with self._lock:
            for part in parts:
                if isinstance(part, dict) and "cachePoint" in part:
                    if digest.hexdigest() in self._known:
                        read, written = count, 0
                    else:
                        self._known.add(digest.hexdigest())
                        written = count - read
                else:
                    text = json.dumps(part, sort_keys=True)
                    digest.update(text.encode())
                    count += max(len(text.split()), 1)
        return read, written, count - read - written


CACHE = PromptCache()


class Answer:
    """An answer to a conversation: blocks, stop reason, usage, trace."""

    def __init__(self, model_id, request, directives):
        check_conversation(request)
        self.request, self.directives = request, directives
        self.content = request["messages"][-1]["content"]
        self.blocks, self.stop, self.fields, self.trace = [], "end_turn", None, {}
        self.emitted = 0
        if self._blocked_input():
            return self._count()
        self._reasoning()
        self._text()
        self._tools()
        self._media()
        if directives.get("stop"):
            self.stop = directives.get("stop")
        self._guard_output()
        if model_id.endswith("prompt-router/test"):
            self.trace["promptRouter"] = {"invokedModelId": "arn:aws:bedrock:us-east-1::foundation-model/test.model-v1:0"}
        self._count()

    # What is said

    def _reasoning(self):
        if "reasoning" in self.directives:
            self.blocks.append({"kind": "reasoning", "tokens": tokens(self.directives.get("reasoning") or "Let me think."),
                                "signature": "c2lnbmF0dXJl" * 4})
        if "redacted" in self.directives:
            self.blocks.append({"kind": "redacted", "bytes": base64.b64encode(b"hidden thoughts").decode()})

    def _text(self):
        words = tokens(self._said())
        limit = self.request.get("inferenceConfig", {}).get("maxTokens")
        if limit is not None and len(words) > limit:
            words, self.stop = words[:limit], "max_tokens"
        for sequence in self.request.get("inferenceConfig", {}).get("stopSequences", []):
            before, found, _ = "".join(words).partition(sequence)
            if found:
                words, self.stop = tokens(before), "stop_sequence"
                if "/stop_sequence" in self.request.get("additionalModelResponseFieldPaths", []):
                    self.fields = {"stop_sequence": sequence}
        if not words:
            return
        citations = self._citations()
        self.blocks.append({"kind": "text", "tokens": words, "citations": citations})

    def _said(self):
        directives = self.directives
        if "say" in directives:
            return directives.get("say")
        if "tokens" in directives:
            return " ".join(f"word{number}" for number in range(1, directives.number("tokens") + 1))
        if "silent" in directives:
            return ""
        schema = self.request.get("outputConfig", {}).get("textFormat", {}).get("structure", {}).get("jsonSchema")
        if schema:
            return json.dumps(instance(json.loads(schema["schema"])))
        if "answer" in directives:
            return directives.get("answer")
        results = [block["toolResult"] for block in self.content if "toolResult" in block]
        if results:
            return "The tool said: " + " ".join(part.get("text") or json.dumps(part) for result in results for part in result["content"])
        if "toolChoice" in self.request.get("toolConfig", {}) and "auto" not in self.request["toolConfig"]["toolChoice"]:
            return ""
        parts = []
        for block in self.content:
            if "text" in block:
                parts.append(without_directives(block["text"]))
            if "guardContent" in block:
                parts.append(without_directives(block["guardContent"].get("text", {}).get("text", "")))
            for kind in ("image", "document", "video", "audio"):
                if kind in block:
                    source = block[kind]["source"]
                    size = len(base64.b64decode(source["bytes"])) if "bytes" in source else next(iter(source))
                    parts.append(f"[{kind} {block[kind].get('format', '-')} {size}]")
        return " ".join(part for part in parts if part) or "Hello."

    def _citations(self):
        """Of every document and search result that allows it: its first words."""
        found, index, results = [], 0, 0
        for block in self.content:
            document, result = block.get("document"), block.get("searchResult")
            if document and document.get("citations", {}).get("enabled"):
                source = document["source"]
                text = source.get("text") or " ".join(part["text"] for part in source.get("content", [])) or (
                    base64.b64decode(source["bytes"]).decode("utf-8", "replace") if document.get("format") in ("txt", "md") else "a page")
                quote = "".join(tokens(text)[:5]).strip()
                if document.get("format") == "pdf":
                    location = {"documentPage": {"documentIndex": index, "start": 1, "end": 2}}
                elif "content" in source:
                    location = {"documentChunk": {"documentIndex": index, "start": 0, "end": 1}}
                else:
                    start = text.find(quote)
                    location = {"documentChar": {"documentIndex": index, "start": start, "end": start + len(quote)}}
                found.append({"title": document["name"], "sourceContent": [{"text": quote}], "location": location})
            if result and result.get("citations", {}).get("enabled"):
                location = {"searchResultLocation": {"searchResultIndex": results, "start": 0, "end": 1}}
                found.append({"title": result["title"], "source": result["source"],
                              "sourceContent": [{"text": result["content"][0]["text"]}], "location": location})
            index += document is not None
            results += result is not None
        for url in self.directives.all("cite-web"):
            found.append({"title": "A page", "source": url, "sourceContent": [{"text": "found"}],
                          "location": {"web": {"url": url, "domain": url.split("/")[2]}}})
        return found

    def _tools(self):
        config = self.request.get("toolConfig", {})
        known = {tool["toolSpec"]["name"]: tool["toolSpec"] for tool in config.get("tools", []) if "toolSpec" in tool}
        calls = []
        for value in self.directives.all("tool"):
            name, _, text = value.partition("=")
            if name not in known:
                raise invalid(f"The prompt asks for the tool '{name}', which toolConfig does not have.")
            calls.append((name, text or json.dumps(instance(known[name]["inputSchema"]["json"]))))
        choice = config.get("toolChoice", {})
        if "tool" in choice and choice["tool"]["name"] not in known:
            raise invalid(f"toolChoice names the tool '{choice['tool']['name']}', which toolConfig does not have.")
        if not calls and ("any" in choice or "tool" in choice):
            name = choice["tool"]["name"] if "tool" in choice else next(iter(known))
            calls.append((name, json.dumps(instance(known[name]["inputSchema"]["json"]))))
        for index, (name, text) in enumerate(calls):
            self.blocks.append({"kind": "tool", "id": f"tooluse_{index + 1}", "name": name, "json": text})
            self.stop = "tool_use"
        if "server-tool" in self.directives:
            self.blocks.append({"kind": "tool", "id": "srvtooluse_1", "name": "nova_grounding", "json": "{}", "type": "server_tool_use"})
            self.blocks.append({"kind": "toolResult", "id": "srvtooluse_1", "text": "grounded"})

    def _media(self):
        if "image" in self.directives:
            self.blocks.append({"kind": "image", "bytes": base64.b64encode(PIXEL).decode()})

    # Guardrails

    def _guardrail(self):
        config = self.request.get("guardrailConfig", {})
        return config if config.get("guardrailIdentifier") else None

    def _blocked_input(self):
        config = self._guardrail()
        if config is None:
            return False
        assessment = assess(config, input_texts(self.request))
        if config.get("trace", "disabled") != "disabled":
            self.trace["guardrail"] = {"inputAssessment": {config["guardrailIdentifier"]: assessment.value}}
        if assessment.is_blocked:
            self.blocks, self.stop = [{"kind": "text", "tokens": tokens(BLOCKED_INPUT), "citations": []}], "guardrail_intervened"
            self._reason("Guardrail blocked.")
        return assessment.is_blocked

    def _guard_output(self):
        config = self._guardrail()
        if config is None:
            return
        text = "".join(token for block in self.blocks if block["kind"] == "text" for token in block["tokens"])
        assessment = assess(config, [text])
        if config.get("trace", "disabled") != "disabled":
            self.trace["guardrail"]["outputAssessments"] = {config["guardrailIdentifier"]: [assessment.value]}
        if assessment.is_masked and not assessment.is_blocked and config.get("streamProcessingMode") != "async":
            # Masked or blocked, the stop reason is the same; masks are not for what is shown before it is checked.
            for block in self.blocks:
                if block["kind"] == "text":
                    block["tokens"] = tokens(EMAIL.sub("{EMAIL}", "".join(block["tokens"])))
            self.stop = "guardrail_intervened"
            self._reason("Guardrail masked.")
        if not assessment.is_blocked:
            return
        if config.get("trace", "disabled") != "disabled":
            self.trace["guardrail"]["modelOutput"] = [text]
        self.stop = "guardrail_intervened"
        self._reason("Guardrail blocked.")
        blocked = {"kind": "text", "tokens": tokens(BLOCKED_OUTPUT), "citations": []}
        if config.get("streamProcessingMode") == "async":
            # What came before the policies had looked is out; the message takes the place of the rest.
            shown = [block for block in self.blocks if block["kind"] == "text"]
            for block in shown:
                block["tokens"] = block["tokens"][:3]
            self.blocks = shown + [blocked]
        else:
            self.blocks = [blocked]

    def _reason(self, text):
        if "guardrail" in self.trace:
            self.trace["guardrail"]["actionReason"] = text

    # What it costs

    def _count(self):
        self.emitted = sum(len(block.get("tokens") or [0, 0]) for block in self.blocks)
        parts = list(self.request.get("toolConfig", {}).get("tools", [])) + list(self.request.get("system", []))
        parts += [block for message in self.request["messages"] for block in message["content"]]
        read, written, others = CACHE.usage(parts)
        self.usage = {"inputTokens": others, "outputTokens": self.emitted, "totalTokens": read + written + others + self.emitted}
        if any("cachePoint" in part for part in parts):
            self.usage |= {"cacheReadInputTokens": read, "cacheWriteInputTokens": written}
            if written:
                self.usage["cacheDetails"] = [{"ttl": "5m", "inputTokens": written}]

    def _shared(self):
        shared = {"usage": self.usage, "metrics": {"latencyMs": 5}}
        if self.trace:
            shared["trace"] = self.trace
        for name in ("performanceConfig", "serviceTier"):
            if name in self.request:
                shared[name] = self.request[name]
        return shared

    # Its two forms

    def response(self):
        message = {"role": "assistant", "content": [self._block(block) for block in self.blocks]}
        response = {"output": {"message": message}, "stopReason": self.stop} | self._shared()
        if self.fields:
            response["additionalModelResponseFields"] = self.fields
        return response

    @staticmethod
    def _block(block):
        kind, text = block["kind"], "".join(block.get("tokens", []))
        if kind == "text" and block["citations"]:
            return {"citationsContent": {"content": [{"text": text}], "citations": block["citations"]}}
        if kind == "text":
            return {"text": text}
        if kind == "reasoning":
            return {"reasoningContent": {"reasoningText": {"text": text, "signature": block["signature"]}}}
        if kind == "redacted":
            return {"reasoningContent": {"redactedContent": block["bytes"]}}
        if kind == "tool":
            try:
                use = {"toolUseId": block["id"], "name": block["name"], "input": json.loads(block["json"])}
            except ValueError:
                raise Refusal("ModelErrorException", "The model called a tool with something else than JSON.", 424)
            return {"toolUse": use | ({"type": block["type"]} if "type" in block else {})}
        if kind == "toolResult":
            return {"toolResult": {"toolUseId": block["id"], "content": [{"text": block["text"]}], "status": "success"}}
        return {"image": {"format": "png", "source": {"bytes": block["bytes"]}}}

    def events(self):
        """The stream's events, in order, as pairs of type and payload; whether one is content tells its type."""
        yield "messageStart", {"role": "assistant"}
        for index, block in enumerate(self.blocks):
            start, deltas = self._parts(block)
            if start:
                yield "contentBlockStart", {"contentBlockIndex": index, "start": start}
            for delta in deltas:
                yield "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}
            yield "contentBlockStop", {"contentBlockIndex": index}
        stop = {"stopReason": self.stop}
        yield "messageStop", stop | ({"additionalModelResponseFields": self.fields} if self.fields else {})
        yield "metadata", self._shared()

    @staticmethod
    def _parts(block):
        kind = block["kind"]
        if kind == "text":
            return None, [{"text": token} for token in block["tokens"]] + [{"citation": citation} for citation in block["citations"]]
        if kind == "reasoning":
            texts = [{"reasoningContent": {"text": token}} for token in block["tokens"]]
            return None, texts + [{"reasoningContent": {"signature": block["signature"]}}]
        if kind == "redacted":
            return None, [{"reasoningContent": {"redactedContent": block["bytes"]}}]
        if kind == "tool":
            start = {"toolUseId": block["id"], "name": block["name"]} | ({"type": block["type"]} if "type" in block else {})
            text = block["json"]
            return {"toolUse": start}, [{"toolUse": {"input": text[place:place + 7]}} for place in range(0, len(text), 7)]
        if kind == "toolResult":
            return {"toolResult": {"toolUseId": block["id"], "status": "success"}}, [{"toolResult": [{"text": block["text"]}]}]
        return {"image": {"format": "png"}}, [{"image": {"source": {"bytes": block["bytes"]}}}]
