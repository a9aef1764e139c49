"""Drives model_server.py with Anthropic's own client: `anthropic_client.py URL [KEY]`. Exits with 1 and one line at the first deviation."""
import base64
import sys

import anthropic
from pydantic import BaseModel

from checks import cancel_reaches, holds, observation, raises, run, same

BASE = sys.argv[1]
KEY = sys.argv[2] if len(sys.argv) > 2 else "test-key"
CLIENT = anthropic.Anthropic(base_url=BASE, api_key=KEY, max_retries=0, timeout=10)
OLD = CLIENT.with_options(default_headers={"anthropic-version": "2023-06-01"})
WEATHER = {
    "name": "weather", "description": "The weather of a place",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}, "days": {"type": "integer"}}, "required": ["place"]},
}
CLOCK = {"name": "clock", "input_schema": {"type": "object", "properties": {}}}
THINKING = {"type": "enabled", "budget_tokens": 1024}


def request(text, options):
    messages = text if isinstance(text, list) else [{"role": "user", "content": text}]
    return {"model": "mill-chat", "max_tokens": 2048, "messages": messages, **options}


def create(text, client=CLIENT, **options):
    return client.messages.create(**request(text, options))


def events(text, client=CLIENT, **options):
    return list(client.messages.create(**request(text, options), stream=True))


def final(text, **options):
    with CLIENT.messages.stream(**request(text, options)) as stream:
        return stream.get_final_message()


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def both(what, text, check, **options):
    """The same answer in one piece and streamed, as the client puts it together."""
    whole, streamed = create(text, **options), final(text, **options)
    check(whole)
    without = {"id", "usage", "parsed_output"}
    same(f"{what}: streamed", comparable(streamed.model_dump(exclude=without)), comparable(whole.model_dump(exclude=without)))
    same(f"{what}: streamed usage", streamed.usage.output_tokens, whole.usage.output_tokens)
    return streamed


def comparable(value):
    """Without what is not set, and without what the streaming client adds to blocks."""
    if isinstance(value, dict):
        return {name: comparable(inner) for name, inner in value.items() if inner not in (None, []) and name != "parsed_output"}
    return [comparable(inner) for inner in value] if isinstance(value, list) else value


def text():
    def check(message):
        same("text", text_of(message), "größe of the mill")
        same("stop", (message.stop_reason, message.stop_sequence, message.role), ("end_turn", None, "assistant"))
        same("usage", (message.usage.input_tokens, message.usage.output_tokens), (9, 4))
        holds("request id", (message._request_id or "req_").startswith("req_"), message._request_id)

    both("text", "größe of the mill", check, system="Be brief.")
    for directives in ("#split=bytes", "#split=7", "#split=all", "#crlf", "#framing=close", "#slow_head", "#split=bytes #crlf"):
        same(directives, text_of(final(f"größe 日本 🌊 {directives}")), "größe 日本 🌊")
    kinds = [event.type for event in events("a b")]
    same("events", kinds, [
        "message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop"])


def older_version():
    message = create("a b", OLD, extra_body={"temperature": 0.5}, extra_headers={"x-api-key": KEY})
    same("text", (text_of(message), events("a b", OLD)[-1].type), ("a b", "message_stop"))


def limits_and_stops():
    both("max_tokens", "a b c d", lambda found: same("limit", (text_of(found), found.stop_reason), ("a b", "max_tokens")), max_tokens=2)
    both("stop", "a b c d", lambda found: same(
        "stop", (text_of(found), found.stop_reason, found.stop_sequence), ("a b", "stop_sequence", " c")), stop_sequences=[" d", " c"])
    both("refusal", "a #refuse", lambda found: same("refusal", (found.stop_reason, found.content), ("refusal", [])))
    both("pause", "a #finish=pause_turn", lambda found: same("pause", found.stop_reason, "pause_turn"))


def cache():
    options = {"system": [{"type": "text", "text": "a long text of six words", "cache_control": {"type": "ephemeral"}}]}
    first, second = create("a b", **options).usage, final("c d", **options).usage
    same("written", (first.input_tokens, first.cache_creation_input_tokens, first.cache_read_input_tokens), (5, 6, 0))
    same("read", (second.input_tokens, second.cache_creation_input_tokens, second.cache_read_input_tokens), (5, 0, 6))


def thinking():
    def check(message):
        same("kinds", [block.type for block in message.content], ["thinking", "redacted_thinking", "text"])
        same("thoughts", message.content[0].thinking, "hm hm hm ")
        holds("signature", len(message.content[0].signature) > 20, message.content[0].signature)

    both("thinking", "a b #think=3 #redacted", check, thinking=THINKING)
    both("adaptive", "a b #think", lambda found: same("kind", found.content[0].type, "thinking"), thinking={"type": "adaptive"})
    both("not allowed", "a b #think", lambda found: same("kind", found.content[0].type, "text"))
    asked = [{"role": "user", "content": "rain #tool=weather"}]
    message = final(asked, thinking=THINKING, tools=[WEATHER])
    same("before a tool", [block.type for block in message.content], ["thinking", "tool_use"])
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": message.content[1].id, "content": "wet"}]}
    blocks = [block.model_dump(exclude_none=True) for block in message.content]
    same("signature accepted", create(
        asked + [{"role": "assistant", "content": blocks}, result], thinking=THINKING, tools=[WEATHER]).stop_reason, "end_turn")
    forged = [{**blocks[0], "signature": "Zm9yZ2Vk"}, blocks[1]]
    for what, content in (("forged", forged), ("without thinking", blocks[1:])):
        raises(what, anthropic.BadRequestError, lambda: create(
            asked + [{"role": "assistant", "content": content}, result], thinking=THINKING, tools=[WEATHER]))


def tools():
    def check(message):
        same("calls", [(block.name, block.input) for block in message.content],
             [("weather", {"place": "rain", "days": 7}), ("clock", {}), ("weather", {"place": "rain", "days": 7})])
        same("stop", message.stop_reason, "tool_use")

    asked = "rain #tool=weather,clock,weather"
    message = both("tools", asked, check, tools=[WEATHER, CLOCK])
    same("ids", len({block.id for block in message.content}), 3)
    history = [{"role": "user", "content": asked}, {"role": "assistant", "content": [block.model_dump(
        include={"type", "id", "name", "input"}) for block in message.content]}]
    results = [{"type": "tool_result", "tool_use_id": block.id, "content": "wet"} for block in message.content]
    same("answer to the results", text_of(create(history + [{"role": "user", "content": results}], tools=[WEATHER, CLOCK])), "rain")
    for what, content in (("one missing", results[1:]), ("text first", [{"type": "text", "text": "so"}, *results])):
        raises(what, anthropic.BadRequestError, lambda: create(history + [{"role": "user", "content": content}], tools=[WEATHER, CLOCK]))
    for choice, count in (({"type": "any"}, 1), ({"type": "tool", "name": "clock"}, 1), ({"type": "none"}, 0)):
        message = create("x", tools=[WEATHER, CLOCK], tool_choice=choice)
        same(f"{choice}", len([block for block in message.content if block.type == "tool_use"]), count)
    alone = create("x #tool=weather,clock", tools=[WEATHER, CLOCK], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    same("not in parallel", len(alone.content), 1)


class Step(BaseModel):
    title: str
    minutes: int


class Plan(BaseModel):
    name: str
    steps: list[Step]


def structured_answers():
    parsed = CLIENT.messages.parse(**request("flour", {}), output_format=Plan)
    same("parsed", parsed.parsed_output, Plan(name="flour", steps=[Step(title="flour", minutes=7)]))


def citations():
    lease = "The mill is old. The rent is 900 euros. Pets sleep outside."
    document = {
        "type": "document", "title": "lease.txt", "source": {"type": "text", "media_type": "text/plain", "data": lease},
        "citations": {"enabled": True},
    }
    pdf = {**document, "source": {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(b"%PDF-1.4").decode()}}
    parts = {**document, "source": {"type": "content", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}}

    def check(message):
        found = [citation for block in message.content for citation in block.citations or []]
        same("kinds", [citation.type for citation in found], ["char_location", "page_location", "content_block_location"])
        quote = found[0]
        same("quote", (quote.cited_text, quote.document_index, quote.document_title), ("The rent is 900 euros. ", 0, "lease.txt"))
        same("place", lease[quote.start_char_index: quote.end_char_index], quote.cited_text)
        same("text", message.content[1].text, quote.cited_text)

    asked = [{"role": "user", "content": [document, pdf, parts, {"type": "text", "text": "what is the rent"}]}]
    both("citations", asked, check)
    deltas = [event.delta.type for event in events(asked) if event.type == "content_block_delta"]
    same("streamed after their text", (deltas.count("citations_delta"), deltas[-1]), (3, "citations_delta"))
    mixed = [{"role": "user", "content": [document, {**pdf, "citations": {"enabled": False}}]}]
    raises("citations of some", anthropic.BadRequestError, lambda: create(mixed))


def counts_and_models():
    count = CLIENT.messages.count_tokens(model="mill-chat", messages=[{"role": "user", "content": "a b c"}], system="be brief")
    same("count", (count.input_tokens, create("a b c", system="be brief").usage.input_tokens), (8, 8))
    same("models", [(model.id, model.type) for model in CLIENT.models.list(limit=1)], [("mill-chat", "model"), ("mill-reasoner", "model")])


def refusals():
    for status, kind, name in (
            (429, anthropic.RateLimitError, "rate_limit_error"), (500, anthropic.InternalServerError, "api_error"),
            (529, anthropic.OverloadedError, "overloaded_error"), (403, anthropic.PermissionDeniedError, "permission_error"),
            (413, anthropic.ContentTooLargeError, "request_too_large")):
        error = raises(f"{status}", kind, lambda: create(f"a #error={status} #retry_after=1"), status_code=status, type=name)
        same("retry-after", error.response.headers.get("retry-after"), "1")
        same("request id", error.body["request_id"], error.request_id)
    raises("429 for a stream", anthropic.RateLimitError, lambda: events("a #error=429"))
    raises("key", anthropic.AuthenticationError, lambda: create("a", CLIENT.with_options(api_key="wrong")), type="authentication_error")
    raises("model", anthropic.NotFoundError, lambda: create("a", model="none"), type="not_found_error")
    raises("version", anthropic.BadRequestError, lambda: create("a", extra_headers={"anthropic-version": "2020-01-01"}))
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": ""}}
    wrong = {
        "no messages": lambda: create([]),
        "directive": lambda: create("a #tokns=3"),
        "role": lambda: create([{"role": "robot", "content": "a"}]),
        "first role": lambda: create([{"role": "assistant", "content": "a"}]),
        "empty": lambda: create(""),
        "blank text": lambda: create([{"role": "user", "content": [{"type": "text", "text": " "}]}]),
        "trailing space": lambda: create([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b "}]),
        "image": lambda: create([{"role": "user", "content": [image]}]),
        "lost result": lambda: create([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "a"}]}]),
        "hot": lambda: create("a", OLD, extra_body={"temperature": 1.5}),
        "gone with the new version": lambda: create("a", extra_body={"temperature": 1}),
        "max_tokens": lambda: create("a", max_tokens=-1),
        "choice without tools": lambda: create("a", tool_choice={"type": "any"}),
        "tool twice": lambda: create("a", tools=[CLOCK, CLOCK]),
        "schema": lambda: create("a", tools=[{"name": "a", "input_schema": {}}]),
        "small budget": lambda: create("a", thinking={"type": "enabled", "budget_tokens": 10}),
        "large budget": lambda: create("a", thinking=THINKING, max_tokens=1024),
        "cold thinking": lambda: create("a", OLD, thinking=THINKING, extra_body={"temperature": 0.5}),
        "forced thinking": lambda: create("a", thinking=THINKING, tools=[CLOCK], tool_choice={"type": "any"}),
        "unknown member": lambda: create("a", extra_body={"n": 1}),
    }
    for what, call in wrong.items():
        raises(what, anthropic.BadRequestError, call, type="invalid_request_error")


def retries():
    patient = CLIENT.with_options(max_retries=2)
    same("third try", text_of(create("x #error=529 #status_times=2 #retry_after_ms=10", patient)), "x")
    raises("too few", anthropic.OverloadedError, lambda: create("z #error=529 #status_times=4 #retry_after_ms=10", patient))


def broken_streams():
    error = raises("error within", anthropic.APIStatusError, lambda: events("a b c d #error=mid"))
    same("its type", error.type, "overloaded_error")
    holds("whole", events("a b c d")[-1].type == "message_stop")
    same("a whole body without an end", events("a b c d #cut=end")[-1].type, "content_block_stop")
    for directive in ("#cut=mid", "#cut=chunk", "#cut=reset"):
        try:
            found = events(f"a b c d {directive}")
        except Exception as error:  # The client hands on its transport's own error here.
            holds(directive, "Protocol" in type(error).__name__ or "Read" in type(error).__name__, error)
        else:
            holds(directive, False, found[-1])
    hasty = CLIENT.with_options(timeout=0.2)
    raises("#hang=head", anthropic.APITimeoutError, lambda: create("a #hang=head", hasty))
    raises("hanging answer", anthropic.APITimeoutError, lambda: create("a b #hang=mid", hasty))


def cancels():
    for place, tokens in (("mid", 2), ("first", 0)):
        tag = f"anthropic-{place}"
        stream = CLIENT.messages.create(**request(f"a b c d #hang={place} #tag={tag}", {}), stream=True)
        print(f"cancel at {place} seen after {cancel_reaches(BASE, tag, stream.close):.2f} ms")
        same("tokens before", observation(BASE, "client_closed", tag)["tokens"], tokens)


run([
    text, older_version, limits_and_stops, cache, thinking, tools, structured_answers, citations, counts_and_models, refusals, retries,
    broken_streams, cancels,
])
