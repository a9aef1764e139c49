"""What Anthropic's Messages API refuses, with the errors that it answers: https://docs.anthropic.com/en/api/messages and …/errors."""
import base64
import binascii
import hashlib
import re

from exchange import Failure

MODELS = ["mill-chat", "mill-reasoner"]
COUNT_MEMBERS = {"messages", "model", "cache_control", "output_config", "speed", "system", "thinking", "tool_choice", "tools"}
MEMBERS = COUNT_MEMBERS | {
    "max_tokens", "container", "diagnostics", "inference_geo", "metadata", "service_tier", "stop_sequences", "stream", "temperature",
    "top_k", "top_p",
}
VERSIONS = ("2023-06-01", "2026-10-21")
SAMPLING = {"temperature", "top_k", "top_p"}
"""What the newer version has no more: https://platform.claude.com/docs/en/api/migration-2026-10-21."""
TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error",
    413: "request_too_large", 429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error",
}
MESSAGES = {429: "This request would exceed your account's rate limit. Please try again later.", 529: "Overloaded"}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
CONTENT_KINDS = {
    "user": {"text", "image", "document", "tool_result", "search_result"},
    "assistant": {"text", "thinking", "redacted_thinking", "tool_use"},
}


def failure(status, message=None):
    kind = TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    message = message or MESSAGES.get(status, "Internal server error")
    return Failure(status, {"type": "error", "error": {"type": kind, "message": message}, "request_id": None})


def require(condition, message):
    if not condition:
        raise failure(400, message)


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def check_headers(exchange):
    headers = exchange.request.headers
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = headers.get("x-api-key") or (token if scheme.lower() == "bearer" else None)
    if not key:
        raise failure(401, "x-api-key header is required")
    if key != exchange.server.key:
        raise failure(401, "invalid x-api-key")
    require("anthropic-version" in headers, "anthropic-version: header is required")
    version = headers["anthropic-version"]
    require(version in VERSIONS, f'anthropic-version: "{version}" is not a valid version')


def check_body(exchange, members):
    body = exchange.json
    is_new = exchange.request.headers["anthropic-version"] == "2026-10-21"
    kind = exchange.request.headers.get("content-type", "").split(";")[0].strip().lower()
    require(kind == "application/json", "Content-Type: must be application/json")
    require(isinstance(body, dict), "The request body is not valid JSON")
    for name in ("model", "messages", *(["max_tokens"] if "max_tokens" in members else [])):
        require(name in body, f"{name}: Field required")
    for name in body:
        require(name in members and not (is_new and name in SAMPLING), f"{name}: Extra inputs are not permitted")
    require(isinstance(body["model"], str) and body["model"], "model: Input should be a valid string")
    if body["model"] not in MODELS:
        raise failure(404, f"model: {body['model']}")
    if "max_tokens" in body:
        require(is_integer(body["max_tokens"]) and body["max_tokens"] >= 1, "max_tokens: Input should be greater than or equal to 1")
    check_sampling(body)
    check_tools(body)
    check_thinking(body)
    check_messages(body)
    check_format(body)
    for message in body["messages"] if is_new else []:
        is_quoting = any(block["type"] == "text" and block.get("citations") for block in listed(message["content"]))
        require(message["role"] == "assistant" or not is_quoting, "messages: citations are not permitted in text blocks of the user")
    return body


def check_sampling(body):
    for name in ("temperature", "top_p"):
        value = body.get(name)
        require(
            value is None or isinstance(value, (int, float)) and 0 <= value <= 1, f"{name}: Input should be less than or equal to 1")
    stops = body.get("stop_sequences") or []
    require(isinstance(stops, list) and all(isinstance(stop, str) for stop in stops), "stop_sequences: Input should be a valid list")
    require(all(stop.strip() for stop in stops), "stop_sequences: each stop sequence must contain non-whitespace")
    require(body.get("stream") in (None, True, False), "stream: Input should be a valid boolean")
    system = body.get("system")
    require(system is None or isinstance(system, (str, list)), "system: Input should be a valid string or list")
    for index, block in enumerate(system if isinstance(system, list) else []):
        check_text(block, f"system.{index}")


def check_tools(body):
    tools = body.get("tools")
    choice = body.get("tool_choice")
    require(tools or choice in (None, {"type": "none"}), "tool_choice: Tools must be defined when tool_choice is used")
    names = []
    for index, tool in enumerate(tools or []):
        place = f"tools.{index}.custom"
        require(isinstance(tool.get("name"), str), f"{place}.name: Field required")
        require(NAME.fullmatch(tool["name"]), f"{place}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        schema = tool.get("input_schema")
        require(isinstance(schema, dict), f"{place}.input_schema: Field required")
        require(schema.get("type") == "object", f"{place}.input_schema.type: Field required")
        names.append(tool["name"])
    require(len(set(names)) == len(names), "tools: Tool names must be unique.")
    if choice is not None:
        kind = choice.get("type") if isinstance(choice, dict) else None
        require(kind in ("auto", "any", "tool", "none"), f"tool_choice: Input tag '{kind}' found using 'type' does not match any of the "
                "expected tags: 'auto', 'any', 'tool', 'none'")
        require(kind != "tool" or choice.get("name") in names, f"Tool '{choice.get('name')}' not found in provided tools")


def check_thinking(body):
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    require(
        kind in ("enabled", "adaptive", "disabled", "between_tools"), f"thinking: Input tag '{kind}' found using 'type' does not match any "
        "of the expected tags: 'adaptive', 'disabled', 'enabled'")
    if kind == "enabled":
        budget = thinking.get("budget_tokens")
        require(budget is not None, "thinking.enabled.budget_tokens: Field required")
        require(is_integer(budget) and budget >= 1024, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        require(
            budget < body.get("max_tokens", budget + 1), "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our "
            "documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size")
    if kind in ("enabled", "adaptive"):
        require(body.get("temperature") in (None, 1), "`temperature` may only be set to 1 when thinking is enabled.")
        require("top_k" not in body, "`top_k` must be unset when thinking is enabled.")
        require(
            (body.get("tool_choice") or {}).get("type") not in ("any", "tool"),
            "Thinking may not be enabled when tool_choice forces tool use.")
        messages = body["messages"]
        last = messages[-1] if isinstance(messages, list) and messages else {}
        require(last.get("role") != "assistant", "messages: final assistant content may not be set when thinking is enabled.")


def check_messages(body):
    messages = body["messages"]
    require(isinstance(messages, list), "messages: Input should be a valid list")
    require(messages, "messages: at least one message is required")
    for index, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        require(role in CONTENT_KINDS, "messages: Unexpected role. Allowed roles are \"user\" or \"assistant\". The Messages API accepts a "
                "top-level `system` parameter, not \"system\" as an input message role.")
        is_last_answer = role == "assistant" and index == len(messages) - 1
        require("content" in message, f"messages.{index}.content: Field required")
        content = message["content"]
        require(isinstance(content, (str, list)), f"messages.{index}.content: Input should be a valid list")
        require(
            content or is_last_answer, f"messages.{index}: all messages must have non-empty content except for the optional final "
            "assistant message")
        require(
            not (is_last_answer and isinstance(content, str) and content != content.rstrip()),
            "messages: final assistant content cannot end with trailing whitespace")
        for place, block in enumerate(content if isinstance(content, list) else []):
            check_block(block, role, f"messages.{index}.content.{place}")
    require(messages[0]["role"] == "user", "messages: first message must use the \"user\" role")
    check_tool_order(messages)
    thinking = (body.get("thinking") or {}).get("type")
    check_turn_begins_with_thinking(messages, thinking == "enabled")
    documents = [block for block in blocks(messages) if block["type"] == "document"]
    cited = {bool((block.get("citations") or {}).get("enabled")) for block in documents}
    require(len(cited) <= 1, "Citations must be enabled on all or none of the documents in a request.")
    every = [*blocks(messages), *listed(body.get("system")), *(body.get("tools") or [])]
    marked = [block for block in every if block.get("cache_control")]
    require(len(marked) <= 4, f"A maximum of 4 blocks with cache_control may be provided. Found {len(marked)}.")
    for block in marked:
        require(block["cache_control"].get("type") == "ephemeral", "cache_control.type: Input should be 'ephemeral'")


def listed(content):
    """A content as a list of blocks."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content or []


def blocks(messages):
    return [block for message in messages for block in listed(message["content"])]


def check_text(block, place):
    require(isinstance(block, dict) and block.get("type") == "text", f"{place}.type: Input should be 'text'")
    require(isinstance(block.get("text"), str), f"{place}.text: Field required")
    require(block["text"].strip(), "messages: text content blocks must contain non-whitespace text")


def check_block(block, role, place):
    kind = block.get("type") if isinstance(block, dict) else None
    require(kind in CONTENT_KINDS[role], f"{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags: "
            f"{', '.join(map(repr, sorted(CONTENT_KINDS[role])))}")
    if kind == "text":
        check_text(block, place)
    elif kind in ("image", "document"):
        check_source(block.get("source"), kind, f"{place}.{kind}.source")
    elif kind == "tool_use":
        require(
            isinstance(block.get("id"), str) and re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]),
            f"{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        require(isinstance(block.get("name"), str), f"{place}.tool_use.name: Field required")
        require(isinstance(block.get("input"), dict), f"{place}.tool_use.input: Input should be a valid dictionary")
    elif kind == "tool_result":
        require(isinstance(block.get("tool_use_id"), str), f"{place}.tool_result.tool_use_id: Field required")
    elif kind == "thinking":
        require(isinstance(block.get("thinking"), str), f"{place}.thinking.thinking: Field required")
        require(isinstance(block.get("signature"), str), f"{place}.thinking.signature: Field required")
        require(block["signature"] == signature(block["thinking"]), f"{place}: Invalid `signature` in `thinking` block")
    elif kind == "redacted_thinking":
        require(block.get("data") == signature("redacted"), f"{place}: Invalid `data` in `redacted_thinking` block")


def signature(thinking):
    """What proves that the model itself thought this."""
    return base64.b64encode(hashlib.sha256(b"mill" + thinking.encode()).digest()).decode()


def check_source(source, kind, place):
    form = source.get("type") if isinstance(source, dict) else None
    allowed = {"image": ("base64", "url", "file"), "document": ("base64", "text", "content", "url", "file")}[kind]
    require(form in allowed, f"{place}: Input tag '{form}' found using 'type' does not match any of the expected tags: "
            f"{', '.join(map(repr, allowed))}")
    if form == "base64":
        types = IMAGE_TYPES if kind == "image" else ("application/pdf",)
        require(source.get("media_type") in types, f"{place}.base64.media_type: Input should be {' or '.join(map(repr, types))}")
        try:
            base64.b64decode(source.get("data") or "", validate=True)
        except (binascii.Error, TypeError):
            raise failure(400, f"{place}.base64.data: Invalid base64 data") from None
    elif form == "text":
        require(source.get("media_type") == "text/plain", f"{place}.text.media_type: Input should be 'text/plain'")
        require(isinstance(source.get("data"), str) and source["data"], f"{place}.text.data: Field required")
    elif form == "content":
        require(source.get("content"), f"{place}.content.content: Field required")


def check_tool_order(messages):
    """Each tool_use is answered by a tool_result at the beginning of the next message, and no result stands elsewhere."""
    merged = []
    for message in messages:
        if merged and merged[-1][0] == message["role"]:
            merged[-1][1].extend(listed(message["content"]))
        else:
            merged.append((message["role"], list(listed(message["content"]))))
    asked = []
    for index, (_, content) in enumerate(merged):
        leading = []
        for place, block in enumerate(content):
            if block["type"] == "tool_result":
                require(
                    block["tool_use_id"] in asked, f"messages.{index}.content.{place}: unexpected `tool_use_id` found in `tool_result` "
                    f"blocks: {block['tool_use_id']}. Each `tool_result` block must have a corresponding `tool_use` block in the previous "
                    "message.")
                if len(leading) == place:
                    leading.append(block["tool_use_id"])
        missing = [identifier for identifier in asked if identifier not in leading]
        require(
            not missing, f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.")
        asked = [block["id"] for block in content if block["type"] == "tool_use"]
        require(len(set(asked)) == len(asked), "messages: `tool_use` ids must be unique")
    require(
        not asked, f"messages.{len(merged) - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(asked)}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.")


def check_turn_begins_with_thinking(messages, is_thinking):
    """With thinking, the answer that the last tool results belong to must still have its thinking."""
    if not is_thinking or len(messages) < 2 or not any(block["type"] == "tool_result" for block in listed(messages[-1]["content"])):
        return
    first = (listed(messages[-2]["content"]) or [{"type": "nothing"}])[0]["type"]
    require(
        first in ("thinking", "redacted_thinking"), f"messages.{len(messages) - 2}.content.0.type: Expected `thinking` or "
        f"`redacted_thinking`, but found `{first}`. When `thinking` is enabled, a final `assistant` message must start with a thinking "
        "block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).")


def check_format(body):
    form = (body.get("output_config") or {}).get("format")
    if form is None:
        return
    require(form.get("type") == "json_schema", "output_config.format.type: Input should be 'json_schema'")
    require(isinstance(form.get("schema"), dict), "output_config.format.schema: Field required")
    check_closed(form["schema"])
    require(
        not any((block.get("citations") or {}).get("enabled") for block in blocks(body["messages"]) if block["type"] == "document"),
        "output_config.format: citations can't be used with structured outputs")


def check_closed(schema):
    """Structured outputs want objects without other properties."""
    if not isinstance(schema, dict):
        return
    require(
        schema.get("type") != "object" or schema.get("additionalProperties") is False,
        "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false")
    for group in ("properties", "$defs"):
        for inner in schema.get(group, {}).values():
            check_closed(inner)
    check_closed(schema.get("items"))
    for inner in schema.get("anyOf", []):
        check_closed(inner)
