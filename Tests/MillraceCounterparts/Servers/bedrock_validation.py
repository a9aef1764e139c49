"""Holds JSON against the shapes of botocore's service model for Bedrock Runtime, more strictly than botocore itself does.

Types, required members, unknown members, enumerations, patterns, least and greatest values and lengths, unions with exactly one member,
base64. What is found is worded as the service words it.
"""
import base64
import binascii
import re

import botocore.session

MODEL = botocore.session.get_session().get_service_model("bedrock-runtime")


def input_problems(operation, value):
    """What is wrong with the members of an operation's input that stand in its body or elsewhere, by their names."""
    return problems(value, MODEL.operation_model(operation).input_shape)


def output_problems(operation, value):
    return problems(value, MODEL.operation_model(operation).output_shape)


def event_problems(operation, event, value):
    """What is wrong with an event or exception of an operation's stream."""
    stream = MODEL.operation_model(operation).get_event_stream_output()
    if event not in stream.members:
        return [f"there is no event '{event}'"]
    return problems(value, stream.members[event])


def problems(value, shape):
    found = []
    _check(value, shape, "", found)
    return found


def _check(value, shape, path, found):
    kind = shape.type_name
    if kind == "structure" and getattr(shape, "is_document_type", False):
        return
    if kind == "structure":
        _structure(value, shape, path, found)
    elif kind == "list":
        if not isinstance(value, list):
            return _type(value, "a list", path, found)
        _range(len(value), shape, path, found, "length")
        for index, element in enumerate(value):
            _check(element, shape.member, f"{path}.{index}", found)
    elif kind == "map":
        if not isinstance(value, dict):
            return _type(value, "a map", path, found)
        _range(len(value), shape, path, found, "length")
        for name, element in value.items():
            _check(name, shape.key, f"{path} (key)", found)
            _check(element, shape.value, f"{path}.{name}", found)
    elif kind == "string":
        _string(value, shape, path, found)
    elif kind == "blob":
        try:
            if not isinstance(value, str):
                raise ValueError
            _range(len(base64.b64decode(value, validate=True)), shape, path, found, "length")
        except (ValueError, binascii.Error):
            _type(value, "base64", path, found)
    elif kind == "boolean":
        if not isinstance(value, bool):
            _type(value, "a boolean", path, found)
    elif kind in ("integer", "long"):
        if isinstance(value, bool) or not isinstance(value, int):
            return _type(value, "an integer", path, found)
        _range(value, shape, path, found, "value")
    elif kind in ("float", "double"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return _type(value, "a number", path, found)
        _range(value, shape, path, found, "value")
    else:
        found.append(f"the shape {shape.name} is of a type that is not checked: {kind}")


def _structure(value, shape, path, found):
    if not isinstance(value, dict):
        return _type(value, "a structure", path, found)
    if shape.is_tagged_union and len(value) != 1:
        found.append(f"Value at '{path[1:]}' failed to satisfy constraint: Member must have exactly one of {list(shape.members)}")
    for name in shape.required_members:
        if name not in value:
            found.append(f"Value null at '{(path + '.' + name)[1:]}' failed to satisfy constraint: Member must not be null")
    for name, member in value.items():
        if name in shape.members:
            _check(member, shape.members[name], f"{path}.{name}", found)
        else:
            found.append(f"'{(path + '.' + name)[1:]}' is not a member of {shape.name}")


def _string(value, shape, path, found):
    if not isinstance(value, str):
        return _type(value, "a string", path, found)
    _range(len(value), shape, path, found, "length")
    if shape.enum and value not in shape.enum:
        found.append(f"Value '{value}' at '{path[1:]}' failed to satisfy constraint: Member must satisfy enum value set: {shape.enum}")
    pattern = shape.metadata.get("pattern")
    if pattern and re.fullmatch(pattern, value) is None:
        found.append(
            f"Value '{value}' at '{path[1:]}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}")


def _range(number, shape, path, found, what):
    least, greatest = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and number < least:
        found.append(f"Value at '{path[1:]}' failed to satisfy constraint: Member must have {what} greater than or equal to {least}")
    if greatest is not None and number > greatest:
        found.append(f"Value at '{path[1:]}' failed to satisfy constraint: Member must have {what} less than or equal to {greatest}")


def _type(value, expected, path, found):
    found.append(f"Value at '{path[1:]}' failed to satisfy constraint: it is {type(value).__name__} and should be {expected}")
