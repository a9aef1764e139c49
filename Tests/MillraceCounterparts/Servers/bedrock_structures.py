"""Prints how the answers of Converse and ConverseStream are built, as botocore's service model has it: for walks through an answer by name.

A JSON object: "roots" names the shape of each operation's answer (of ConverseStream: of its events), "shapes" tells of each shape that they
reach {"members": {name: shape}} for a structure, {"elements": shape} for a list or the values of a map, and {} for all others.
"""
import json

import botocore.session


def collect(shape, shapes):
    if shape.name in shapes:
        return
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False):
        shapes[shape.name] = {"members": {name: member.name for name, member in shape.members.items()}}
        for member in shape.members.values():
            collect(member, shapes)
    elif shape.type_name in ("list", "map"):
        element = shape.member if shape.type_name == "list" else shape.value
        shapes[shape.name] = {"elements": element.name}
        collect(element, shapes)
    else:
        shapes[shape.name] = {}


def main():
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    roots = {
        "Converse": model.operation_model("Converse").output_shape,
        "ConverseStream": model.operation_model("ConverseStream").get_event_stream_output(),
    }
    shapes = {}
    for shape in roots.values():
        collect(shape, shapes)
    stop_reasons = model.shape_for("StopReason").enum
    print(json.dumps({"roots": {name: shape.name for name, shape in roots.items()}, "shapes": shapes, "stop_reasons": stop_reasons}))


if __name__ == "__main__":
    main()
