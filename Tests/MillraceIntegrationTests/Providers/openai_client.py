"""Drives model_server.py with OpenAI's own client: `openai_client.py URL [KEY]`. Exits with 1 and one line at the first deviation."""
import json
import sys
from typing import Literal

import openai
from pydantic import BaseModel

from checks import cancel_reaches, fail, holds, observation, raises, run, same

BASE = sys.argv[1]
KEY = sys.argv[2] if len(sys.argv) > 2 else "test-key"
CLIENT = openai.OpenAI(base_url=f"{BASE}/v1", api_key=KEY, max_retries=0, timeout=10)
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather", "description": "The weather of a place",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}, "days": {"type": "integer"}}, "required": ["place"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}


def chat(text, client=CLIENT, model="mill-chat", **options):
    messages = text if isinstance(text, list) else [{"role": "user", "content": text}]
    return client.chat.completions.create(model=model, messages=messages, **options)


def chunks(text, **options):
    return list(chat(text, stream=True, **options))


def content(found):
    return "".join(chunk.choices[0].delta.content or "" for chunk in found if chunk.choices)


def finish(found):
    return [chunk.choices[0].finish_reason for chunk in found if chunk.choices and chunk.choices[0].finish_reason]


def one_answer():
    answer = chat([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "the mill turns"}])
    same("text", answer.choices[0].message.content, "the mill turns")
    same("finish", answer.choices[0].finish_reason, "stop")
    same("usage", (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens), (11, 3, 14))
    same("cached", chat("a b c #cached=2").usage.prompt_tokens_details.cached_tokens, 2)
    holds("request id", (answer._request_id or "").startswith("req_"), answer._request_id)
    same("no usage", chat("a #usage=none").usage, None)


def streamed_text():
    found = chunks("größe of the mill #tokens=50")
    same("text", content(found), " ".join(("größe of the mill".split() * 13)[:50]))
    same("role", found[0].choices[0].delta.role, "assistant")
    same("finish", finish(found), ["stop"])
    same("no usage unasked", [chunk.usage for chunk in found if chunk.usage], [])
    raw = CLIENT.chat.completions.with_streaming_response
    with raw.create(model="mill-chat", messages=[{"role": "user", "content": "a"}], stream=True) as response:
        same("media type", response.headers["content-type"].split(";")[0], "text/event-stream")
        same("last line", [line for line in response.iter_lines() if line][-1], "data: [DONE]")
    for directives in ("#split=bytes", "#split=7", "#split=all", "#crlf", "#framing=close", "#slow_head", "#split=bytes #crlf"):
        same(directives, content(chunks(f"größe 日本 🌊 {directives}")), "größe 日本 🌊")


def usage_in_the_stream():
    found = chunks("a b c", stream_options={"include_usage": True})
    same("usage", (found[-1].choices, found[-1].usage.prompt_tokens, found[-1].usage.completion_tokens), ([], 6, 3))
    same("null before", [chunk.usage for chunk in found[:-1]], [None] * (len(found) - 1))
    same("none", [chunk.usage for chunk in chunks("a #usage=none", stream_options={"include_usage": True}) if chunk.usage], [])


def limits_and_stops():
    answer = chat("a b c d", max_completion_tokens=2)
    same("length", (answer.choices[0].message.content, answer.choices[0].finish_reason), ("a b", "length"))
    same("stop", chat("a b c d", stop=[" c"]).choices[0].message.content, "a b")
    same("filter", finish(chunks("a #finish=content_filter")), ["content_filter"])
    same("refusal", chat("a #refuse").choices[0].message.refusal, "I can't help with that.")


def reasoning():
    answer = chat("a b #think=3", model="mill-reasoner")
    same("thoughts", (answer.choices[0].message.reasoning_content, answer.choices[0].message.content), ("hm hm hm ", "a b"))
    same("counted", answer.usage.completion_tokens_details.reasoning_tokens, 3)
    found = chunks("a b #think=3", model="mill-reasoner")
    same("streamed", [getattr(chunk.choices[0].delta, "reasoning_content", None) for chunk in found[1:4]], ["hm "] * 3)


def tools():
    asked = [{"role": "user", "content": "rain? #tool=weather"}]
    message = chat(asked, tools=[WEATHER]).choices[0].message
    call = message.tool_calls[0]
    same("call", (call.function.name, json.loads(call.function.arguments)), ("weather", {"place": "rain?", "days": 7}))
    after = asked + [message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": "wet"}]
    same("answer to the result", chat(after, tools=[WEATHER]).choices[0].message.content, "rain?")
    given = chat('x #tool=weather #args={"place":"Ulm"}', tools=[WEATHER]).choices[0].message.tool_calls[0].function.arguments
    same("given arguments", given, '{"place":"Ulm"}')
    for choice in ("required", {"type": "function", "function": {"name": "weather"}}):
        same(f"{choice}", chat("x", tools=[WEATHER], tool_choice=choice).choices[0].finish_reason, "tool_calls")
    same("none", chat(asked, tools=[WEATHER], tool_choice="none").choices[0].finish_reason, "stop")


def streamed_tools_in_parallel():
    messages = [{"role": "user", "content": "rain #tool=weather,clock,weather #split=5"}]
    with CLIENT.chat.completions.stream(model="mill-chat", messages=messages, tools=[WEATHER, CLOCK]) as stream:
        for _ in stream:
            pass
        choice = stream.get_final_completion().choices[0]
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls]
    rain = ("weather", {"place": "rain", "days": 7})
    same("calls", calls, [rain, ("clock", {}), rain])
    same("ids", len({call.id for call in choice.message.tool_calls}), 3)
    same("finish", choice.finish_reason, "tool_calls")
    one = chat("rain #tool=weather,clock", tools=[WEATHER, CLOCK], parallel_tool_calls=False).choices[0].message.tool_calls
    same("not in parallel", len(one), 1)


class Step(BaseModel):
    title: str
    kind: Literal["grind", "sift"]


class Plan(BaseModel):
    name: str
    steps: list[Step]
    hours: float
    is_done: bool


def structured_answers():
    expected = Plan(name="flour", steps=[Step(title="flour", kind="grind")], hours=1.5, is_done=True)
    messages = [{"role": "user", "content": "flour"}]
    parsed = CLIENT.chat.completions.parse(model="mill-chat", messages=messages, response_format=Plan)
    same("parsed", parsed.choices[0].message.parsed, expected)
    with CLIENT.chat.completions.stream(model="mill-chat", messages=messages, response_format=Plan) as stream:
        same("streamed", stream.get_final_completion().choices[0].message.parsed, expected)
    answer = chat("json please", response_format={"type": "json_object"}).choices[0].message.content
    same("object", json.loads(answer), {"answer": "json please"})
    try:
        CLIENT.chat.completions.parse(model="mill-chat", messages=messages, response_format=Plan, max_completion_tokens=2)
    except openai.LengthFinishReasonError:
        pass
    else:
        fail("a cut answer parses")


def embeddings():
    create = CLIENT.embeddings.create
    texts = ["the mill turns", "the mill rests", "ships sail far"]
    decoded = create(model="mill-embedding", input=texts, dimensions=256)  # The client asks for base64 and decodes it.
    plain = create(model="mill-embedding", input=texts, dimensions=256, encoding_format="float")
    same("indices", [item.index for item in plain.data], [0, 1, 2])
    vectors = [item.embedding for item in plain.data]
    for other, item in zip(vectors, decoded.data):
        holds("both encodings", max(abs(a - b) for a, b in zip(other, item.embedding)) < 1e-6)
    same("width", (len(vectors[0]), len(create(model="mill-embedding", input="a").data[0].embedding)), (256, 1536))
    near, far = (sum(a * b for a, b in zip(vectors[0], other)) for other in vectors[1:])
    holds("shared words are nearer", near > far + 0.3, (near, far))
    same("usage", plain.usage.total_tokens, 9)
    raises("empty", openai.BadRequestError, lambda: create(model="mill-embedding", input=""), param="input")
    raises("wide", openai.BadRequestError, lambda: create(model="mill-embedding", input="a", dimensions=4096), param="dimensions")


def model_list():
    same("models", [model.id for model in CLIENT.models.list()], ["mill-chat", "mill-reasoner", "mill-embedding"])


def refusals():
    for status, kind in ((429, openai.RateLimitError), (500, openai.InternalServerError), (529, openai.InternalServerError),
                         (403, openai.PermissionDeniedError), (409, openai.ConflictError), (422, openai.UnprocessableEntityError)):
        error = raises(f"{status}", kind, lambda: chat(f"a #error={status} #retry_after=1"), status_code=status)
        same("retry-after", error.response.headers.get("retry-after"), "1")
    raises("429", openai.RateLimitError, lambda: chunks("a #error=429"), code="rate_limit_exceeded", type="rate_limit_error")
    raises("key", openai.AuthenticationError, lambda: chat("a", CLIENT.with_options(api_key="wrong")), code="invalid_api_key")
    raises("model", openai.NotFoundError, lambda: chat("a", model="none"), code="model_not_found")
    raises("directive", openai.BadRequestError, lambda: chat("a #tokns=3"))
    raises("unknown tool", openai.BadRequestError, lambda: chat("a #tool=weather"))
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    wrong = {
        "no messages": lambda: chat([]),
        "role": lambda: chat([{"role": "robot", "content": "a"}]),
        "no content": lambda: chat([{"role": "user"}]),
        "part": lambda: chat([{"role": "user", "content": [{"type": "picture"}]}]),
        "image": lambda: chat([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,%"}}]}]),
        "lost result": lambda: chat([{"role": "tool", "tool_call_id": "x", "content": "a"}]),
        "missing result": lambda: chat([{"role": "assistant", "tool_calls": [call]}, {"role": "user", "content": "a"}]),
        "wrong result": lambda: chat([{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "2", "content": "a"}]),
        "choice without tools": lambda: chat("a", tool_choice="auto"),
        "tool name": lambda: chat("a", tools=[{"type": "function", "function": {"name": "a b"}}]),
        "temperature": lambda: chat("a", temperature=3),
        "two limits": lambda: chat("a", max_tokens=1, max_completion_tokens=1),
        "reasoner's limit": lambda: chat("a", model="mill-reasoner", max_tokens=1),
        "stream options": lambda: chat("a", stream_options={"include_usage": True}),
        "word json": lambda: chat("a", response_format={"type": "json_object"}),
        "open schema": lambda: chat("a", response_format={"type": "json_schema", "json_schema": {
            "name": "a", "strict": True, "schema": {"type": "object", "properties": {}}}}),
        "unknown member": lambda: chat("a", extra_body={"top_k": 1}),
    }
    for what, call_it in wrong.items():
        raises(what, openai.BadRequestError, call_it, type="invalid_request_error")


def retries():
    patient = CLIENT.with_options(max_retries=2)
    same("third try", chat("x #error=429 #status_times=2 #retry_after_ms=10 #tag=retries", patient).choices[0].message.content, "x")
    same("cut, then whole", chat("y #cut=head #status_times=1", patient).choices[0].message.content, "y")
    raises("too few", openai.RateLimitError, lambda: chat("z #error=429 #status_times=4 #retry_after_ms=10", patient))


def broken_streams():
    error = raises("error within", openai.APIError, lambda: chunks("a b c d #error=mid"))
    same("its type", error.type, "server_error")
    for directive in ("#cut=mid", "#cut=chunk", "#cut=reset", "#cut=first"):
        raises(directive, openai.APIConnectionError, lambda: chunks(f"a b c d {directive}"))
    same("a whole body without an end", (content(found := chunks("a b c d #cut=end")), finish(found)), ("a b c d", []))
    raises("cut answer", openai.APIConnectionError, lambda: chat("a b c d #cut=mid"))
    hasty = CLIENT.with_options(timeout=0.2)
    for directive in ("#hang=head", "#hang=first", "#hang=mid", "#hang=end"):
        raises(directive, openai.APITimeoutError, lambda: list(chat(f"a b c d {directive}", hasty, stream=True)))
    raises("hanging answer", openai.APITimeoutError, lambda: chat("a b #hang=mid", hasty))


def cancels():
    stream = chat("a b c d #hang=mid #tag=openai-cancel", stream=True)
    seen = [next(stream) for _ in range(3)]
    same("half", content(seen), "a b")
    print(f"cancel seen after {cancel_reaches(BASE, 'openai-cancel', stream.close):.2f} ms")
    same("tokens before", observation(BASE, "client_closed", "openai-cancel")["tokens"], 2)
    stream = chat("a b c #hang=first #tag=openai-early", stream=True)
    print(f"cancel before the first token seen after {cancel_reaches(BASE, 'openai-early', stream.close):.2f} ms")
    chunks("a b c #mark=2 #tag=openai-marks")
    times = [observation(BASE, event, "openai-marks")["t"] for event in (
        "request_accepted", "head_sent", "first_token", "tokens_sent", "response_ended")]
    same("order", times, sorted(times))


run([
    one_answer, streamed_text, usage_in_the_stream, limits_and_stops, reasoning, tools, streamed_tools_in_parallel, structured_answers,
    embeddings, model_list, refusals, retries, broken_streams, cancels,
])
