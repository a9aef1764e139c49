"""Prints what Bedrock Runtime's operations may answer, as botocore's service model has it: what a table of ours has to know.

    python bedrock_shapes.py [OPERATION ...]        (default: the operations that are used)

A JSON object of operations; each has
- "members": "Shape.member", sorted, of every structure that its output reaches, events and exceptions of its stream included; a shape that
  contains itself is there once. Members of an exception that is an HTTP answer are not among them.
- "enums": the values of every enumeration that its output reaches, by the shape's name, such as "StopReason".
"""
import json
import sys

import botocore.session

OPERATIONS = ["Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream", "ApplyGuardrail", "CountTokens"]


def reach(shape, members, enums, seen):
    """Collects what `shape` reaches."""
    if shape.type_name == "list":
        reach(shape.member, members, enums, seen)
    elif shape.type_name == "map":
        reach(shape.key, members, enums, seen)
        reach(shape.value, members, enums, seen)
    elif shape.type_name == "structure":
        if shape.name in seen:
            return
        seen.add(shape.name)
        for name, member in shape.members.items():
            members.add(f"{shape.name}.{name}")
            reach(member, members, enums, seen)
    elif getattr(shape, "enum", None):
        enums[shape.name] = shape.enum


def main():
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    answer = {}
    for name in sys.argv[1:] or OPERATIONS:
        members, enums = set(), {}
        reach(model.operation_model(name).output_shape, members, enums, set())
        answer[name] = {"members": sorted(members), "enums": dict(sorted(enums.items()))}
    json.dump(answer, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
