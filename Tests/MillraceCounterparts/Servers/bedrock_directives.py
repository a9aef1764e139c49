"""What a request asks of the server of bedrock_server.py beside an answer: directives in its texts, or in its model's id.

In a text a directive is `[[name]]` or `[[name:value]]`; the model sees the text without it. The last user message's texts count, for
InvokeModel the whole body's. In a model's id, `test.` is followed by directives `name` or `name:value` with a dot between them, such as
`test.tiny.delay:20`. See bedrock_server.py for the names.
"""
import re

DIRECTIVE = re.compile(r"\[\[([a-z-]+)(?::(.*?))?\]\](?!\])", re.DOTALL)


class Directives:
    def __init__(self, model_id, texts):
        self._values = []
        if model_id.startswith("test."):
            for part in model_id[5:].split("."):
                name, _, value = part.partition(":")
                self._values.append((name, value))
        for text in texts:
            self._values += [(name, value) for name, value in DIRECTIVE.findall(text)]

    def __contains__(self, name):
        return any(name == known for known, _ in self._values)

    def get(self, name, default=None):
        """The last value of that name."""
        return next((value for known, value in reversed(self._values) if known == name), default)

    def all(self, name):
        return [value for known, value in self._values if known == name]

    def number(self, name, default=0):
        return int(self.get(name) or default)


def without_directives(text):
    return DIRECTIVE.sub("", text).strip()


def texts_within(value):
    """Every string within a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for element in value.values() for text in texts_within(element)]
    if isinstance(value, list):
        return [text for element in value for text in texts_within(element)]
    return []
