"""Directives: words such as `#tokens=50` in a request's text, which say what the model does and how its answer goes wrong."""
import json
import re

WORD = re.compile(r"(?:^|(?<=\s))#([a-z_]+)(?:=(\S+))?")

NUMBERS = {"tokens", "delay_ms", "status_times", "mark", "cached", "cite"}
FLAGS = {"slow_head", "redacted", "refuse", "crlf"}
CHOICES = {
    "hang": {"head", "first", "start", "mid", "end"},
    "cut": {"head", "first", "start", "mid", "chunk", "reset", "end"},
    "usage": {"none"},
    "framing": {"close"},
}
TEXTS = {"error", "retry_after", "retry_after_ms", "split", "tool", "args", "think", "tag", "finish"}
FAULTS = ("error", "hang", "cut", "slow_head")


class DirectiveError(ValueError):
    """A directive that does not exist or has a wrong value; the request is answered 400, so that a typing error is seen."""


class Directives:
    """The directives of one text. What is not given is `None`, `False` for a flag."""

    def __init__(self, text=""):
        self.plain_text = " ".join(WORD.sub("", text).split())
        self.values = {}
        for name, value in WORD.findall(text):
            self.values[name] = self._check(name, value)
        self.delay = (self.delay_ms or 0) / 1000

    def _check(self, name, value):
        if name in NUMBERS and value.isdecimal():
            return int(value)
        if name in FLAGS and not value:
            return True
        if name in CHOICES and value in CHOICES[name]:
            return value
        if name == "think":
            if value and not value.isdecimal():
                raise DirectiveError("#think=N takes a number of tokens")
            return int(value or 4)
        if name == "split":
            if value not in ("bytes", "all") and not value.isdecimal():
                raise DirectiveError("#split takes `bytes`, `all` or a number of bytes")
            return {"bytes": 1, "all": "all"}.get(value) or int(value)
        if name == "error":
            if value == "mid":
                return value
            if not value.isdecimal() or not 400 <= int(value) <= 599:
                raise DirectiveError("#error takes a status of 400 to 599, or `mid`")
            return int(value)
        if name in TEXTS and value:
            return value
        raise DirectiveError(f"there is no directive #{name}{'=' + value if value else ''} (see model_server.py)")

    def __getattr__(self, name):
        if name in NUMBERS | FLAGS | set(CHOICES) | TEXTS:
            return self.values.get(name, False if name in FLAGS else None)
        raise AttributeError(name)

    def drop_faults(self):
        """Lets the request succeed."""
        for name in FAULTS:
            self.values.pop(name, None)

    @property
    def has_faults(self):
        return any(name in self.values for name in FAULTS)

    def tool_calls(self, tools):
        """The calls as (name, arguments as JSON text) that `#tool=a,b` asks for. `tools` has the declared schemas by name."""
        calls = []
        for name in self.tool.split(",") if self.tool else []:
            if name not in tools:
                raise DirectiveError(f"#tool={name}: the request declares no such tool")
            calls.append((name, self.args or json.dumps(instance(tools[name], self.plain_text))))
        return calls


def words(text):
    """The tokens of a text: its words, each with the white space before it. `"".join` of them is the text."""
    return re.findall(r"\s*\S+\s*$|\s*\S+", text)


def answer_words(directives):
    """The answer's tokens: the words of the question over and over, as many as `#tokens` says."""
    source = directives.plain_text.split() or ["mill"]
    count = len(source) if directives.tokens is None else directives.tokens
    return [("" if index == 0 else " ") + source[index % len(source)] for index in range(count)]


def pieces(text, size=8):
    """A text that has no words, such as JSON, in pieces of a few characters."""
    return [text[at: at + size] for at in range(0, len(text), size)]


def instance(schema, text, root=None):
    """The simplest value that fits a JSON schema, with `text` for every string."""
    root = root or schema
    if "$ref" in schema:
        target = root
        for key in schema["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        return instance(target, text, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return instance(schema[choice][0], text, root)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: instance(value, text, root) for name, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance(schema.get("items", {}), text, root)] * max(schema.get("minItems", 1), 1)
    return {"integer": schema.get("minimum", 7), "number": schema.get("minimum", 1.5), "boolean": True, "null": None}.get(kind, text)
