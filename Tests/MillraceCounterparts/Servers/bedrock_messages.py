"""The model of Anthropic's behind bedrock_server.py: the Messages API as InvokeModel takes it and streams it."""
import json

from bedrock_answers import instance, invalid, tokens
from bedrock_directives import without_directives
from bedrock_embeddings import malformed

MEMBERS = {"anthropic_version", "anthropic_beta", "max_tokens", "messages", "system", "temperature", "top_p", "top_k", "tools",
           "tool_choice", "stop_sequences", "thinking", "metadata", "output_config"}
# The one that Bedrock documents, and the one that version 2.11 of Anthropic's client sends.
VERSIONS = {"bedrock-2023-05-31", "2026-10-21"}


def texts(content):
    """The texts of a message's content."""
    return [content] if isinstance(content, str) else [block["text"] for block in content if block.get("type") == "text"]


def answer(model_id, request, directives):
    """A whole message."""
    for name in request:
        if name not in MEMBERS:
            raise malformed(f"#: extraneous key [{name}] is not permitted")
    if request.get("anthropic_version") not in VERSIONS:
        raise invalid("anthropic_version: Field required")
    if not isinstance(request.get("max_tokens"), int) or request["max_tokens"] < 1:
        raise invalid("max_tokens: Field required")
    messages = request.get("messages")
    if not messages or messages[0].get("role") != "user":
        raise invalid("messages: first message must use the user role")
    said = " ".join(without_directives(text) for text in texts(messages[-1]["content"])).strip() or "Hello."
    if "say" in directives:
        said = directives.get("say")
    elif "tokens" in directives:
        said = " ".join(f"word{number}" for number in range(1, directives.number("tokens") + 1))
    words, stop = tokens(said), "end_turn"
    if len(words) > request["max_tokens"]:
        words, stop = words[:request["max_tokens"]], "max_tokens"
    content = [{"type": "text", "text": "".join(words)}]
    known = {tool["name"]: tool for tool in request.get("tools", [])}
    for name in directives.all("tool"):
        content.append({"type": "tool_use", "id": "toolu_bdrk_1", "name": name, "input": instance(known[name]["input_schema"])})
        stop = "tool_use"
    asked = sum(len(text.split()) for message in messages for text in texts(message["content"]))
    return {"id": "msg_bdrk_01", "type": "message", "role": "assistant", "model": model_id.split("/")[-1].split(":")[0], "content": content,
            "stop_reason": stop, "stop_sequence": None, "usage": {"input_tokens": asked, "output_tokens": len(words)}}


def events(message):
    """The message as its stream has it, with Bedrock's metrics in the last event."""
    usage = message["usage"]
    yield {"type": "message_start",
           "message": message | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}}
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            yield {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}
            deltas = [{"type": "text_delta", "text": token} for token in tokens(block["text"])]
        else:
            yield {"type": "content_block_start", "index": index, "content_block": block | {"input": {}}}
            deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None},
           "usage": {"output_tokens": usage["output_tokens"]}}
    yield {"type": "message_stop", "amazon-bedrock-invocationMetrics": {
        "inputTokenCount": usage["input_tokens"], "outputTokenCount": usage["output_tokens"], "invocationLatency": 9,
        "firstByteLatency": 5}}
