"""Holds requests to Bedrock Runtime against its service model, and against what its documentation and its errors say beside that.

    python bedrock_requests.py FILE

FILE has a request a line: {"operation": "ConverseStream", "modelId": "...", "body": {...}}. Prints what is wrong, a line each, and at the end
`checked N requests, M wrong`.
"""
import json
import re
import sys

from botocore.validate import ParamValidator

from bedrock_answers import check_conversation
from bedrock_authentication import Refusal
from bedrock_validation import MODEL, input_problems

PATTERN = re.compile(r"[A-Za-z0-9 \-()\[\]]+")


def blocks_of(body):
    for index, message in enumerate(body.get("messages", [])):
        for place, block in enumerate(message["content"]):
            yield index, place, message["role"], block


def rules(body):
    """What the shapes don't say."""
    try:
        check_conversation(body)
    except Refusal as refusal:
        yield refusal.message
    calls, names, points = set(), set(), 0
    for index, place, role, block in blocks_of(body):
        where = f"messages.{index}.content.{place}"
        if ("image" in block or "document" in block or "searchResult" in block) and role != "user":
            yield f"{where}: images and documents are the user's"
        if ("toolUse" in block or "reasoningContent" in block) and role != "assistant":
            yield f"{where}: calls and reasoning are the assistant's"
        if "toolUse" in block:
            if block["toolUse"]["toolUseId"] in calls:
                yield f"{where}: the id of a tool call is there twice"
            calls.add(block["toolUse"]["toolUseId"])
            if not isinstance(block["toolUse"]["input"], dict):
                yield f"{where}: the input of a tool call is no object"
        if "toolResult" in block:
            content = block["toolResult"]["content"]
            if not content or any("json" in part and not isinstance(part["json"], dict) for part in content):
                yield f"{where}: a result is one text or JSON object at least"
            if any("text" in part and not part["text"].strip() for part in content):
                yield f"{where}: a blank text in a result"
        if "guardContent" in block and not block["guardContent"].get("text", {"text": "x"})["text"].strip():
            yield f"{where}: a blank text under guard"
        if "document" in block:
            name = block["document"]["name"]
            if PATTERN.fullmatch(name) is None or "  " in name or name != name.strip() or name.lower() in names:
                yield f"{where}: the document's name '{name}'"
            names.add(name.lower())
        points += "cachePoint" in block
    points += sum("cachePoint" in part for part in body.get("system", []) + body.get("toolConfig", {}).get("tools", []))
    if points > 4:
        yield f"{points} cache points, where 4 may be"
    if len(names) > 5:
        yield f"{len(names)} documents, where 5 may be"
    for part in body.get("system", []):
        if "text" in part and not part["text"].strip():
            yield "a blank text in system"
    tools = [tool["toolSpec"]["name"] for tool in body.get("toolConfig", {}).get("tools", []) if "toolSpec" in tool]
    if body.get("toolConfig") and not tools:
        yield "a toolConfig without a tool"
    chosen = body.get("toolConfig", {}).get("toolChoice", {}).get("tool", {}).get("name")
    if chosen is not None and chosen not in tools:
        yield f"toolChoice names '{chosen}', which there is not"
    schema = body.get("outputConfig", {}).get("textFormat", {}).get("structure", {}).get("jsonSchema", {}).get("schema")
    if schema is not None and not isinstance(json.loads(schema), dict):
        yield "a schema that is no object"


def with_bytes(value, shape):
    """A JSON value as botocore's callers give it: blobs as bytes."""
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False) and isinstance(value, dict):
        return {name: with_bytes(member, shape.members[name]) if name in shape.members else member for name, member in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [with_bytes(element, shape.member) for element in value]
    return value.encode() if shape.type_name == "blob" and isinstance(value, str) else value


def main():
    count, wrong = 0, 0
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            request = json.loads(line)
            members = {"modelId": request["modelId"]} | request["body"]
            shape = MODEL.operation_model(request["operation"]).input_shape
            found = input_problems(request["operation"], members)
            # botocore's own opinion, beside the stricter one.
            report = ParamValidator().validate(with_bytes(members, shape), shape)
            if report.has_errors():
                found.append("botocore: " + report.generate_report())
            if "messages" in request["body"]:
                found += rules(request["body"])
            count += 1
            if found:
                wrong += 1
                print(f"wrong {count}: {'; '.join(found)[:600]} in {line[:1500]}", flush=True)
    print(f"checked {count} requests, {wrong} wrong", flush=True)


if __name__ == "__main__":
    main()
