"""The embedding models behind bedrock_server.py, with the request and response formats of the real ones.

A vector is a sum over a text's words and their beginnings, each a direction that a hash of it chooses: the same text gives the same vector,
texts that share words are near each other.
"""
import hashlib
import math
import re

from bedrock_authentication import Refusal

COHERE_TYPES = ["float", "int8", "uint8", "binary", "ubinary"]


def malformed(what):
    return Refusal(
        "ValidationException", f"Malformed input request: {what}, please reformat your input and try again.", 400)


def vector(text, dimensions, normalize=True):
    sums = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        for part, weight in ((word, 1.0), (word[:4], 0.5)):
            digest = hashlib.sha256(part.encode()).digest()
            for place in range(0, 16, 4):
                number = int.from_bytes(digest[place:place + 4], "big")
                sums[number % dimensions] += weight if number >> 31 else -weight
    length = math.sqrt(sum(value * value for value in sums)) or 1.0
    return [value / length for value in sums] if normalize else sums


def bits(values):
    return [1 if value > 0 else 0 for value in values]


def packed(values):
    return [int("".join(map(str, bits(values)[place:place + 8])), 2) for place in range(0, len(values), 8)]


def count(text):
    return max(1, math.ceil(len(text) / 4))


def only(request, known):
    for name in request:
        if name not in known:
            raise malformed(f"#: extraneous key [{name}] is not permitted")


def titan(request):
    """Titan Text Embeddings V2: the response, and the number of its input's tokens."""
    only(request, {"inputText", "dimensions", "normalize", "embeddingTypes"})
    text = request.get("inputText")
    if not isinstance(text, str) or not text:
        raise malformed("#/inputText: expected minLength: 1, actual: 0")
    if len(text) > 50_000:
        raise malformed("expected maxLength: 50000")
    dimensions = request.get("dimensions", 1024)
    if dimensions not in (256, 512, 1024):
        raise malformed(f"#/dimensions: {dimensions} is not a valid enum value")
    normalize = request.get("normalize", True)
    types = request.get("embeddingTypes", ["float"])
    if not isinstance(normalize, bool) or not types or not set(types) <= {"float", "binary"}:
        raise malformed("#/embeddingTypes or #/normalize")
    values = vector(text, dimensions, normalize)
    forms = {"float": values, "binary": bits(values)}
    response = {"embeddingsByType": {kind: forms[kind] for kind in types}, "inputTextTokenCount": count(text)}
    if "float" in types:
        response["embedding"] = values
    return response, count(text)


def cohere(model_id, request):
    """Cohere Embed v3 and v4: the response, and the number of its input's tokens."""
    is_v4 = "embed-v4" in model_id
    only(request, {"texts", "input_type", "embedding_types", "truncate"} | ({"output_dimension", "max_tokens"} if is_v4 else set()))
    texts = request.get("texts")
    if not isinstance(texts, list) or not 1 <= len(texts) <= 96 or not all(isinstance(text, str) for text in texts):
        raise malformed("#/texts: expected 1 to 96 strings")
    if request.get("input_type") not in ("search_document", "search_query", "classification", "clustering"):
        raise malformed("#: required key [input_type] not found")
    if request.get("truncate", "NONE") not in (("NONE", "LEFT", "RIGHT") if is_v4 else ("NONE", "START", "END")):
        raise malformed(f"#/truncate: {request['truncate']} is not a valid enum value")
    longest = 512_000 if is_v4 else 2048
    if request.get("truncate", "NONE") == "NONE" and any(len(text) > longest for text in texts):
        raise malformed(f"#/texts: expected maxLength: {longest}")
    types = request.get("embedding_types")
    if types is not None and (not types or not set(types) <= set(COHERE_TYPES)):
        raise malformed("#/embedding_types")
    dimensions = request.get("output_dimension", 1536) if is_v4 else 1024
    if is_v4 and dimensions not in (256, 512, 1024, 1536):
        raise malformed(f"#/output_dimension: {dimensions} is not a valid enum value")
    vectors = [vector(text, dimensions) for text in texts]
    forms = {
        "float": lambda values: values, "int8": lambda values: [max(-128, min(127, round(value * 127))) for value in values],
        "uint8": lambda values: [max(0, min(255, round(value * 127) + 128)) for value in values],
        "binary": lambda values: [byte - 128 for byte in packed(values)], "ubinary": packed}
    embeddings = vectors if types is None else {kind: [forms[kind](values) for values in vectors] for kind in types}
    kind = "embeddings_floats" if types is None else "embeddings_by_type"
    response = {"id": "4f3b8a40-0000-4000-8000-000000000000", "response_type": kind, "embeddings": embeddings, "texts": texts}
    return response, sum(map(count, texts))
