"""Drives bedrock_server.py with the public clients, boto3 and Anthropic's: what they accept, ours can be tested against.

    python bedrock_boto3.py URL [URL of a server whose clock is wrong]

Every check prints a line; a failed one ends the script with status 1.
"""
import json
import math
import sys
import urllib.error
import urllib.request

import anthropic
import boto3
import botocore.eventstream
import botocore.exceptions
from botocore.config import Config

URL = sys.argv[1]
SKEWED = sys.argv[2] if len(sys.argv) > 2 else None
MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x-v1:0"
TOOLS = {"tools": [{"toolSpec": {"name": "weather", "description": "The weather.", "inputSchema": {"json": {
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city", "days"]}}}}]}
ASK = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello there"}]}
failures = 0


def client(key="AKIATEST", secret="sekrit", token=None, url=URL, region="us-east-1"):
    return boto3.client(
        "bedrock-runtime", endpoint_url=url, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret,
        aws_session_token=token, config=Config(retries={"total_max_attempts": 1}, read_timeout=2))


BEDROCK = client()


def check(name, body):
    global failures
    try:
        result = body()
        if result is False:
            raise AssertionError("it does not hold")
        print("ok", name, flush=True)
    except Exception as problem:
        failures += 1
        print("FAILED", name, type(problem).__name__, str(problem)[:600], flush=True)


def user(*content):
    return [{"role": "user", "content": [{"text": part} if isinstance(part, str) else part for part in content]}]


def converse(text, model=MODEL, **members):
    return BEDROCK.converse(modelId=model, messages=user(text) if isinstance(text, str) else text, **members)


def stream(text, model=MODEL, **members):
    messages = user(text) if isinstance(text, str) else text
    return list(BEDROCK.converse_stream(modelId=model, messages=messages, **members)["stream"])


def said(events):
    return "".join(event["contentBlockDelta"]["delta"].get("text", "") for event in events if "contentBlockDelta" in event)


def stop(events):
    return next(event["messageStop"]["stopReason"] for event in events if "messageStop" in event)


def refused(body, code, status=None, within=""):
    try:
        body()
    except botocore.exceptions.ClientError as problem:
        answer = problem.response
        assert answer["Error"]["Code"] == code, answer
        assert within in answer["Error"]["Message"], answer
        assert status is None or answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
        return True
    return False


def broken(text, kind):
    try:
        stream(text)
    except kind:
        return True
    return False


def conversations():
    check("converse", lambda: converse("Hello there")["output"]["message"]["content"] == [{"text": "Hello there"}])
    check("converse by profile", lambda: converse("Hi", model=PROFILE)["stopReason"] == "end_turn")
    check("stream", lambda: said(stream("Hello wörld 🙂")) == "Hello wörld 🙂")
    check("stream in tiny pieces", lambda: said(stream("Hello wörld 🙂 [[tiny]]")) == "Hello wörld 🙂")
    check("stream by directives of the model's id", lambda: said(stream("x", model="test.tokens:3.chunks:5")) == "word1 word2 word3")
    check("unknown event", lambda: said(stream("Hello [[unknown-event]]")) == "Hello")
    for reason in ["end_turn", "tool_use", "max_tokens", "stop_sequence", "guardrail_intervened", "content_filtered",
                   "malformed_model_output", "malformed_tool_use", "model_context_window_exceeded"]:
        check(f"stop {reason}", lambda: converse(f"x [[stop:{reason}]]")["stopReason"] == stop(stream(f"x [[stop:{reason}]]")) == reason)
    check("max tokens", lambda: stop(stream("[[tokens:9]]", inferenceConfig={"maxTokens": 3})) == "max_tokens")
    stops = {"inferenceConfig": {"stopSequences": ["word3"]}, "additionalModelResponseFieldPaths": ["/stop_sequence"]}
    check("stop sequence", lambda: converse("[[tokens:9]]", **stops)["additionalModelResponseFields"] == {"stop_sequence": "word3"})
    check("stop sequence in a stream", lambda: said(stream("[[tokens:9]]", **stops)).strip() == "word1 word2")

    def tools():
        content = converse('I look. [[tool:weather={"city":"Ulm","days":2}]]', toolConfig=TOOLS)["output"]["message"]["content"]
        assert content[1]["toolUse"]["input"] == {"city": "Ulm", "days": 2}, content
        events = stream('I look. [[tool:weather={"city":"Ulm","days":2}]]', toolConfig=TOOLS)
        text = "".join(e["contentBlockDelta"]["delta"].get("toolUse", {}).get("input", "") for e in events if "contentBlockDelta" in e)
        assert json.loads(text) == {"city": "Ulm", "days": 2} and stop(events) == "tool_use", events
        answer = [{"role": "assistant", "content": content}, {"role": "user", "content": [
            {"toolResult": {"toolUseId": content[1]["toolUse"]["toolUseId"], "content": [{"text": "sunny"}], "status": "success"}}]}]
        return said(stream(user("Weather?") + answer, toolConfig=TOOLS)) == "The tool said: sunny"

    check("tools", tools)
    forced = TOOLS | {"toolChoice": {"tool": {"name": "weather"}}}
    check("forced tool", lambda: converse("x", toolConfig=forced)["output"]["message"]["content"][0]["toolUse"]["input"] == {
        "city": "text", "days": 1})
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    check("output format", lambda: json.loads(said(stream("x", outputConfig={"textFormat": {"type": "json_schema", "structure": {
        "jsonSchema": {"schema": json.dumps(schema), "name": "s"}}}}))) == {"a": 1})

    def reasoning():
        content = converse("x [[reasoning:Well.]] [[redacted]]")["output"]["message"]["content"]
        assert content[0]["reasoningContent"]["reasoningText"]["text"] == "Well.", content
        assert content[1]["reasoningContent"]["redactedContent"] == b"hidden thoughts", content
        kinds = [next(iter(e["contentBlockDelta"]["delta"].get("reasoningContent", {"": 0}))) for e in
                 stream("x [[reasoning:Well then.]] [[redacted]]") if "contentBlockDelta" in e]
        return kinds == ["text", "text", "signature", "redactedContent", ""]

    check("reasoning", reasoning)
    document = {"document": {"format": "txt", "name": "notes", "source": {"text": "Millraces bring water to wheels, always."},
                             "citations": {"enabled": True}}}

    def citations():
        content = converse(user("What?", document))["output"]["message"]["content"][0]["citationsContent"]
        citation = [e["contentBlockDelta"]["delta"]["citation"] for e in stream(user("What?", document))
                    if "citation" in e.get("contentBlockDelta", {}).get("delta", {})]
        assert content["citations"] == citation, (content, citation)
        place = citation[0]["location"]["documentChar"]
        return "Millraces bring water to wheels, always."[place["start"]:place["end"]] == citation[0]["sourceContent"][0]["text"]

    check("citations", citations)
    search = {"searchResult": {"source": "https://a.example", "title": "A", "content": [{"text": "found"}], "citations": {"enabled": True}}}
    check("search result", lambda: "searchResultLocation" in converse(user("x", search))["output"]["message"]["content"][0][
        "citationsContent"]["citations"][0]["location"])
    many = "x [[server-tool]] [[image]] [[cite-web:https://b.example/x]]"
    check("server tool, image, web", lambda: [next(iter(block)) for block in converse(many)["output"]["message"]["content"]] ==
          ["citationsContent", "toolUse", "toolResult", "image"])
    check("the same in a stream", lambda: stop(stream(many)) == "end_turn")
    image = {"image": {"format": "png", "source": {"bytes": b"12345"}}}
    check("image", lambda: said(stream(user("See", image))) == "See [image png 5]")
    cached = [{"text": "a long instruction " * 20}, {"cachePoint": {"type": "default"}}]
    check("cache write", lambda: converse("x", system=cached)["usage"]["cacheWriteInputTokens"] > 50)
    check("cache read", lambda: converse("y", system=cached)["usage"]["cacheReadInputTokens"] > 50)


def guardrails():
    config = {"guardrailIdentifier": "abc123", "guardrailVersion": "1", "trace": "enabled"}
    blocked = lambda text, **more: stream(text, guardrailConfig=config | more)
    check("guardrail passes", lambda: stop(blocked("fine")) == "end_turn")
    check("guardrail input", lambda: stop(blocked("a forbidden thing")) == "guardrail_intervened")
    check("guardrail trace", lambda: blocked("a forbidden thing")[-1]["metadata"]["trace"]["guardrail"]["inputAssessment"]["abc123"][
        "wordPolicy"]["customWords"][0]["match"] == "forbidden")
    guarded = user({"guardContent": {"text": {"text": "fine"}}}, "[[say:one two three four damn six]]")
    check("guardrail output, sync", lambda: said(stream(guarded, guardrailConfig=config)) == "Sorry, the model's answer was blocked.")
    check("guardrail output, async", lambda: said(stream(guarded, guardrailConfig=config | {"streamProcessingMode": "async"})) ==
          "one two threeSorry, the model's answer was blocked.")
    check("guardrail output, masked", lambda: said(blocked("[[say:to a@b.example]]")) == "to {EMAIL}")
    check("guardrail output, masked: its stop reason", lambda: stop(blocked("[[say:to a@b.example]]")) == "guardrail_intervened")
    check("unknown guardrail", lambda: refused(
        lambda: blocked("x", guardrailIdentifier="gmissing"), "ResourceNotFoundException", 404))

    def apply(text):
        content = [{"text": {"text": text}}]
        return BEDROCK.apply_guardrail(guardrailIdentifier="abc123", guardrailVersion="DRAFT", source="INPUT", content=content)

    check("apply: none", lambda: apply("fine")["action"] == "NONE")
    check("apply: blocked", lambda: apply("my investment advice")["assessments"][0]["topicPolicy"]["topics"][0]["action"] == "BLOCKED")
    check("apply: masked", lambda: apply("write to a@b.example")["outputs"] == [{"text": "write to {EMAIL}"}])


def embeddings():
    def invoke(model, **body):
        answer = BEDROCK.invoke_model(modelId=model, body=json.dumps(body), contentType="application/json", accept="application/json")
        count = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-input-token-count"]
        return json.loads(answer["body"].read()) | {"count": int(count)}

    def near(left, right):
        return sum(a * b for a, b in zip(left, right))

    def titan():
        vectors = [invoke("amazon.titan-embed-text-v2:0", inputText=text, dimensions=256)["embedding"] for text in [
            "the miller opens the sluice", "the sluice of the miller", "stock prices fell sharply"]]
        assert math.isclose(near(vectors[0], vectors[0]), 1, abs_tol=1e-9)
        return near(vectors[0], vectors[1]) > near(vectors[0], vectors[2]) + 0.2

    check("titan", titan)
    check("titan types", lambda: set(invoke("amazon.titan-embed-text-v2:0", inputText="x", embeddingTypes=["float", "binary"])[
        "embeddingsByType"]) == {"float", "binary"})
    check("titan refuses", lambda: refused(
        lambda: invoke("amazon.titan-embed-text-v2:0", inputText="x", dimensions=300), "ValidationException", 400))
    check("cohere v3", lambda: len(invoke("cohere.embed-english-v3", texts=["a", "b"], input_type="search_query")["embeddings"][1]) == 1024)
    check("cohere v4", lambda: len(invoke("cohere.embed-v4:0", texts=["a"], input_type="search_document", embedding_types=["float", "int8"],
                                          output_dimension=512)["embeddings"]["int8"][0]) == 512)
    check("cohere refuses 97", lambda: refused(
        lambda: invoke("cohere.embed-english-v3", texts=["a"] * 97, input_type="search_query"), "ValidationException", 400))
    check("no conversations with it", lambda: refused(lambda: converse("x", model="cohere.embed-english-v3"), "ValidationException", 400))


def counts():
    check("count converse", lambda: BEDROCK.count_tokens(
        modelId=MODEL, input={"converse": {"messages": user("one two three")}})["inputTokens"] == 4)
    body = json.dumps({"messages": [{"content": "one two"}]}).encode()
    check("count invoke", lambda: BEDROCK.count_tokens(modelId=MODEL, input={"invokeModel": {"body": body}})["inputTokens"] == 2)


def refusals():
    for code, status in [("ThrottlingException", 429), ("InternalServerException", 500), ("ServiceUnavailableException", 503),
                         ("ModelTimeoutException", 408), ("ModelNotReadyException", 429), ("ModelErrorException", 424),
                         ("AccessDeniedException", 403), ("ServiceQuotaExceededException", 400)]:
        check(code, lambda: refused(lambda: stream(f"x [[fail:{code}]]"), code, status))
    check("first times", lambda: refused(lambda: converse("once [[fail:ThrottlingException:1]]"), "ThrottlingException", 429))
    check("then not", lambda: said(stream("once [[fail:ThrottlingException:0]]")) == "once")
    check("unknown model", lambda: refused(lambda: converse("x", model="test.missing"), "ResourceNotFoundException", 404))
    check("blank text", lambda: refused(lambda: converse(user(" ")), "ValidationException", 400, "blank"))
    check("no conversation", lambda: refused(lambda: BEDROCK.converse(modelId=MODEL, messages=[]), "ValidationException", 400))
    check("temperature", lambda: refused(
        lambda: converse("x", inferenceConfig={"temperature": 1.5}), "ValidationException", 400, "temperature"))
    check("enumeration", lambda: refused(
        lambda: converse("x", performanceConfig={"latency": "fast"}), "ValidationException", 400, "performanceConfig.latency"))
    uncalled = user({"toolResult": {"toolUseId": "t", "content": []}})
    check("tool's result without a call", lambda: refused(lambda: converse(uncalled, toolConfig=TOOLS), "ValidationException", 400))
    for kind in ["throttlingException", "modelStreamErrorException", "validationException", "internalServerException",
                 "serviceUnavailableException"]:
        for when in ["", "-after"]:
            check(f"{kind}{when}", lambda: refused(lambda: stream(f"x y [[stream-exception{when}:{kind}]]"), kind))
    check("error in the stream", lambda: refused(lambda: stream("x [[stream-error:InternalFailure]]"), "InternalFailure"))
    check("cut", lambda: broken("x y [[cut:frame]]", Exception) and broken("x y [[cut:between]]", Exception))
    check("corrupt", lambda: broken("x y [[corrupt:prelude]]", botocore.eventstream.ChecksumMismatch) and
          broken("x y [[corrupt:message]]", botocore.eventstream.ChecksumMismatch) and
          broken("x y [[corrupt:length]]", botocore.eventstream.InvalidPayloadLength))
    check("stalled", lambda: broken("x [[stall-after]] [[tag:stalled]]", Exception))
    check("the stalled one was closed", lambda: len(json.load(urllib.request.urlopen(
        URL + "/_observations?tag=stalled&outcome=closed&count=1"))) == 1)


def authentication():
    ask = lambda bedrock: bedrock.converse(modelId=MODEL, messages=user("x"))
    check("wrong secret", lambda: refused(lambda: ask(client(secret="x")), "InvalidSignatureException", 403, "does not match"))
    check("unknown key", lambda: refused(lambda: ask(client(key="AKIANO")), "UnrecognizedClientException", 403))
    check("session token", lambda: ask(client(key="AKIATEMP", token="session"))["stopReason"] == "end_turn")
    check("no session token", lambda: refused(lambda: ask(client(key="AKIATEMP")), "UnrecognizedClientException", 403))
    check("expired token", lambda: refused(lambda: ask(client(key="AKIATEMP", token="expired-1")), "ExpiredTokenException", 403))
    check("denied", lambda: refused(lambda: ask(client(key="AKIADENIED")), "AccessDeniedException", 403))
    check("wrong region", lambda: refused(lambda: ask(client(region="eu-west-1")), "InvalidSignatureException", 403, "region"))
    if SKEWED:
        check("wrong clock", lambda: refused(lambda: ask(client(url=SKEWED)), "InvalidSignatureException", 403, "Signature "))
    # boto3 sends a token over TLS only.
    check("bearer", lambda: claude(api_key="bearer-token").messages.create(**ASK).content[0].text == "Hello there")

    def wrong():
        try:
            claude(api_key="another").messages.create(**ASK)
        except anthropic.PermissionDeniedError as problem:
            return "API Key" in str(problem)
        return False

    check("wrong bearer", wrong)
    check("neither", lambda: unsigned() == (403, "MissingAuthenticationTokenException"))


def unsigned():
    try:
        urllib.request.urlopen(URL + "/model/m/converse", data=b"{}")
    except urllib.error.HTTPError as problem:
        return problem.code, problem.headers["x-amzn-ErrorType"].split(":")[0]


def claude(**credentials):
    return anthropic.AnthropicBedrock(aws_region="us-east-1", base_url=URL, max_retries=0, **credentials)


def anthropics():
    signed = claude(aws_access_key="AKIATEST", aws_secret_key="sekrit")
    check("messages", lambda: signed.messages.create(**ASK).content[0].text == "Hello there")

    def streamed():
        with signed.messages.stream(**ASK) as events:
            message = events.get_final_message()
        return message.content[0].text == "Hello there" and message.stop_reason == "end_turn"

    check("messages, streamed", streamed)
    raw = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": ASK["messages"]}

    def pieces():
        body = BEDROCK.invoke_model_with_response_stream(modelId=MODEL, body=json.dumps(raw))["body"]
        kinds = [json.loads(event["chunk"]["bytes"])["type"] for event in body]
        return kinds[0] == "message_start" and kinds[-1] == "message_stop"

    check("invoke stream", pieces)
    check("max_tokens is needed", lambda: refused(lambda: BEDROCK.invoke_model(
        modelId=MODEL, body=json.dumps({"anthropic_version": "bedrock-2023-05-31"})), "ValidationException", 400))


def main():
    conversations()
    guardrails()
    embeddings()
    counts()
    refusals()
    authentication()
    anthropics()
    print("all passed" if failures == 0 else f"{failures} failed", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
