"""What OpenAI's API refuses, with the errors that it answers: https://platform.openai.com/docs/api-reference/chat/create."""
import base64
import binascii
import re

from exchange import Failure

CHAT_MODELS = ["mill-chat", "mill-reasoner"]
EMBEDDING_MODELS = ["mill-embedding"]
CHAT_MEMBERS = set(
    "messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens metadata"
    " modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention"
    " reasoning_effort response_format safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools"
    " top_logprobs top_p user verbosity web_search_options".split())
EMBEDDING_MEMBERS = {"input", "model", "dimensions", "encoding_format", "user"}
ROLES = ["system", "developer", "user", "assistant", "tool"]
PART_KINDS = {"user": {"text", "image_url", "input_audio", "file"}, "assistant": {"text", "refusal"}}
TYPES = {
    400: "invalid_request_error", 401: "invalid_request_error", 403: "permission_error", 404: "invalid_request_error",
    429: "rate_limit_error",
}
CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
MESSAGES = {
    429: "Rate limit reached for the model. Please try again later.",
    503: "The server is overloaded. Please try again later.",
}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def failure(status, message=None, param=None, code=None):
    message = message or MESSAGES.get(status, "The server had an error while processing your request. Sorry about that!")
    kind = TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return Failure(status, {"error": {"message": message, "type": kind, "param": param, "code": code or CODES.get(status)}})


def require(condition, message, param=None, code=None):
    if not condition:
        raise failure(400, message, param, code)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def check_request(exchange, members, models):
    """The checks of all routes with a body: credentials, JSON, members, model."""
    body = exchange.json
    kind = exchange.request.headers.get("content-type", "").split(";")[0].strip().lower()
    require(kind == "application/json", f"Unsupported Content-Type: '{kind}'. Use 'application/json'.")
    require(
        isinstance(body, dict),
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The "
        "OpenAI API expects a JSON payload, but what was sent was not valid JSON.)")
    for name in body:
        require(name in members, f"Unrecognized request argument supplied: {name}")
    require(isinstance(body.get("model"), str) and body["model"], "you must provide a model parameter")
    if body["model"] not in models:
        raise failure(
            404, f"The model `{body['model']}` does not exist or you do not have access to it.", None, "model_not_found")
    return body


def check_key(exchange):
    scheme, _, key = exchange.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise failure(401, "You didn't provide an API key. Provide it in an Authorization header using Bearer auth.")
    if key != exchange.server.key:
        raise failure(401, "Incorrect API key provided. You can find your API key in your account's settings.")


def check_chat(body):
    require("messages" in body, "Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    messages = body["messages"]
    require(isinstance(messages, list), "Invalid type for 'messages': expected an array.", "messages", "invalid_type")
    require(messages, "Invalid 'messages': empty array. Expected an array with minimum length 1.", "messages", "empty_array")
    for index, message in enumerate(messages):
        check_message(message, f"messages[{index}]")
    check_tool_order(messages)
    check_tools(body)
    check_sampling(body)
    check_format(body)


def check_message(message, place):
    require(isinstance(message, dict), f"Invalid type for '{place}': expected an object.", place, "invalid_type")
    role = message.get("role")
    require(role is not None, f"Missing required parameter: '{place}.role'.", f"{place}.role", "missing_required_parameter")
    require(
        role in ROLES, f"Invalid value: '{role}'. Supported values are: {', '.join(repr(name) for name in ROLES)}.", f"{place}.role",
        "invalid_value")
    content = message.get("content")
    if content is None:
        require(
            role == "assistant" and (message.get("tool_calls") or message.get("refusal")),
            f"Invalid value for 'content': expected a string, got null.", f"{place}.content")
    elif isinstance(content, list):
        require(content, f"Invalid '{place}.content': empty array.", f"{place}.content", "empty_array")
        for index, part in enumerate(content):
            check_part(part, role, f"{place}.content[{index}]")
    else:
        require(
            isinstance(content, str), f"Invalid type for '{place}.content': expected one of a string or array of objects.",
            f"{place}.content", "invalid_type")
    if role == "tool":
        require(
            isinstance(message.get("tool_call_id"), str), f"Missing required parameter: '{place}.tool_call_id'.", f"{place}.tool_call_id",
            "missing_required_parameter")
    require(
        role == "assistant" or "tool_calls" not in message, f"Unknown parameter: '{place}.tool_calls'.", f"{place}.tool_calls",
        "unknown_parameter")
    for index, call in enumerate(message.get("tool_calls") or []):
        function = call.get("function") or {}
        require(
            call.get("type") == "function" and isinstance(call.get("id"), str) and isinstance(function.get("name"), str)
            and isinstance(function.get("arguments"), str), f"Invalid value for '{place}.tool_calls[{index}]'.",
            f"{place}.tool_calls[{index}]", "invalid_value")


def check_part(part, role, place):
    kind = part.get("type") if isinstance(part, dict) else None
    allowed = PART_KINDS.get(role, {"text"})
    require(
        kind in allowed, f"Invalid value: '{kind}'. Supported values are: {', '.join(map(repr, sorted(allowed)))}.", f"{place}.type",
        "invalid_value")
    if kind == "image_url":
        url = (part.get("image_url") or {}).get("url")
        require(isinstance(url, str), f"Missing required parameter: '{place}.image_url.url'.", place, "missing_required_parameter")
        check_image(url, place)
    elif kind in ("text", "refusal"):
        require(isinstance(part.get(kind), str), f"Missing required parameter: '{place}.{kind}'.", place, "missing_required_parameter")
    else:
        require(isinstance(part.get(kind), dict), f"Missing required parameter: '{place}.{kind}'.", place, "missing_required_parameter")


def check_image(url, place):
    if url.startswith(("http://", "https://")):
        return
    found = re.fullmatch(r"data:image/(png|jpeg|gif|webp);base64,(.+)", url, re.DOTALL)
    wanted = "expected an http(s) URL or a base64 data URL of a PNG, JPEG, GIF or WebP"
    require(found, f"Invalid image URL: {wanted}.", place, "invalid_image_url")
    try:
        base64.b64decode(found.group(2), validate=True)
    except binascii.Error:
        raise failure(400, "Invalid base64 image_url.", place, "invalid_base64") from None


def check_tool_order(messages):
    """Each assistant message with calls is followed by one answer a call, and no answer stands elsewhere."""
    open_calls = None
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            require(
                open_calls is not None,
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                f"messages.[{index}].role")
            require(
                message["tool_call_id"] in open_calls, f"'tool_call_id' of '{message['tool_call_id']}' not found in 'tool_calls' of "
                "previous message.", f"messages.[{index}].tool_call_id")
            open_calls.remove(message["tool_call_id"])
            continue
        check_no_open_calls(open_calls)
        calls = message.get("tool_calls")
        open_calls = [call["id"] for call in calls] if calls else None
    check_no_open_calls(open_calls)


def check_no_open_calls(open_calls):
    require(
        not open_calls, "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The "
        f"following tool_call_ids did not have response messages: {', '.join(open_calls or [])}", "messages")


def check_tools(body):
    tools = body.get("tools")
    if tools is None:
        require(
            body.get("tool_choice") in (None, "none"), "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are "
            "specified.", "tool_choice")
        require(
            "parallel_tool_calls" not in body, "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when "
            "'tools' are specified.", "parallel_tool_calls")
        return
    require(isinstance(tools, list) and tools, "Invalid 'tools': empty array.", "tools", "empty_array")
    names = []
    for index, tool in enumerate(tools):
        function = tool.get("function") or {}
        place = f"tools[{index}].function"
        require(tool.get("type") == "function", f"Missing required parameter: 'tools[{index}].type'.", f"tools[{index}].type")
        require(
            isinstance(function.get("name"), str) and NAME.fullmatch(function["name"]),
            f"Invalid '{place}.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            f"{place}.name", "invalid_value")
        parameters = function.get("parameters", {"type": "object", "properties": {}})
        require(
            isinstance(parameters, dict) and parameters.get("type", "object") == "object",
            f"Invalid schema for function '{function['name']}': schema must be a JSON Schema of 'type: \"object\"'.", f"{place}.parameters",
            "invalid_function_parameters")
        if function.get("strict"):
            check_strict(parameters, f"function '{function['name']}'", f"{place}.parameters", "invalid_function_parameters")
        names.append(function["name"])
    choice = body.get("tool_choice", "auto")
    if isinstance(choice, dict):
        chosen = (choice.get("function") or {}).get("name")
        is_known = choice.get("type") == "function" and chosen in names
        require(is_known, f"Tool choice '{chosen}' not found in 'tools' parameter.", "tool_choice")
    else:
        require(choice in ("none", "auto", "required"), f"Invalid value: '{choice}'.", "tool_choice", "invalid_value")


def check_strict(schema, subject, param, code, context=()):
    """Structured outputs want all properties required and no others allowed."""
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" or "properties" in schema:
        require(
            schema.get("additionalProperties") is False,
            f"Invalid schema for {subject}: In context={context}, 'additionalProperties' is required to be supplied and to be false.",
            param, code)
        missing = set(schema.get("properties", {})) - set(schema.get("required", []))
        require(
            not missing, f"Invalid schema for {subject}: In context={context}, 'required' is required to be supplied and to be an array "
            f"including every key in properties. Missing {', '.join(map(repr, sorted(missing)))}.", param, code)
    for group in ("properties", "$defs"):
        for name, inner in schema.get(group, {}).items():
            check_strict(inner, subject, param, code, (*context, group, name))
    check_strict(schema.get("items"), subject, param, code, (*context, "items"))
    for index, inner in enumerate(schema.get("anyOf", [])):
        check_strict(inner, subject, param, code, (*context, "anyOf", str(index)))


def check_sampling(body):
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1), ("presence_penalty", -2, 2), ("frequency_penalty", -2, 2)):
        value = body.get(name)
        require(value is None or is_number(value), f"Invalid type for '{name}': expected a decimal.", name, "invalid_type")
        require(
            value is None or low <= value <= high, f"Invalid '{name}': {value} is not between {low} and {high}.", name,
            "decimal_above_max_value" if value is not None and value > high else "decimal_below_min_value")
    for name in ("max_tokens", "max_completion_tokens"):
        is_valid = body.get(name) is None or is_count(body[name])
        require(is_valid, f"Invalid '{name}': expected a positive integer.", name, "integer_below_min_value")
    require(
        body.get("max_tokens") is None or body.get("max_completion_tokens") is None,
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", "max_tokens")
    if body["model"] == "mill-reasoner":
        require(
            body.get("max_tokens") is None, "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter")
        require(
            body.get("temperature") in (None, 1), f"Unsupported value: 'temperature' does not support {body.get('temperature')} with this "
            "model. Only the default (1) value is supported.", "temperature", "unsupported_value")
    stop = body.get("stop")
    stops = stop if isinstance(stop, list) else [stop] if stop is not None else []
    require(len(stops) <= 4 and all(isinstance(item, str) and item for item in stops), "Invalid 'stop': expected up to 4 strings.", "stop")
    require(body.get("n") in (None, 1), "Invalid 'n': this model gives one choice.", "n", "integer_above_max_value")
    require(body.get("stream") in (None, True, False), "Invalid type for 'stream': expected a boolean.", "stream", "invalid_type")
    require(
        body.get("stream_options") is None or body.get("stream"),
        "Invalid value for 'stream_options': this parameter is only allowed when 'stream' is enabled.", "stream_options")


def check_format(body):
    form = body.get("response_format")
    if form is None:
        return
    kind = form.get("type") if isinstance(form, dict) else None
    require(
        kind in ("text", "json_object", "json_schema"), f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and "
        "'text'.", "response_format.type", "invalid_value")
    if kind == "json_object":
        require(
            "json" in str(body["messages"]).lower(), "'messages' must contain the word 'json' in some form, to use 'response_format' of "
            "type 'json_object'.", "messages")
    if kind == "json_schema":
        named = form.get("json_schema") or {}
        for name in ("name", "schema"):
            require(
                named.get(name), f"Missing required parameter: 'response_format.json_schema.{name}'.",
                f"response_format.json_schema.{name}", "missing_required_parameter")
        place = "response_format.json_schema.name"
        require(NAME.fullmatch(named["name"]), f"Invalid '{place}'.", place, "invalid_value")
        if named.get("strict"):
            check_strict(named["schema"], f"response_format '{named['name']}'", "response_format", "invalid_json_schema")


def check_embeddings(body):
    require("input" in body, "Missing required parameter: 'input'.", "input", "missing_required_parameter")
    given = body["input"]
    is_tokens = isinstance(given, list) and bool(given) and all(isinstance(item, int) for item in given)
    inputs = [given] if isinstance(given, str) or is_tokens else given
    require(
        isinstance(inputs, list) and 1 <= len(inputs) <= 2048
        and all(isinstance(item, (str, list)) and 0 < len(item) for item in inputs),
        "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.", "input")
    width = body.get("dimensions")
    require(width is None or is_count(width) and width <= 1536, "Invalid value for 'dimensions': 1 to 1536.", "dimensions")
    require(
        body.get("encoding_format") in (None, "float", "base64"), f"Invalid value: '{body.get('encoding_format')}'. Supported values are: "
        "'float' and 'base64'.", "encoding_format", "invalid_value")
    return inputs
