"""Prints event streams and what botocore makes of them, one JSON object a line, then `done`.

    {"bytes": base64, "isWellFormed": bool, "messages": [{"headers": [[name, type, value]], "payload": base64}] or null}

`messages` is null where botocore refuses the stream. The bytes come from an encoder of this file's own, with a fixed seed: well-formed
streams, and ones with a defect whose check values agree all the same, which only a look at the contents can find.
"""
import base64
import binascii
import json
import random
import struct
import uuid

from botocore.eventstream import EventStreamBuffer

RANDOM = random.Random(20260101)
NAMES = [":message-type", ":event-type", ":content-type", "x", "ü", "a-long-name-" * 10]
NUMBERS = {2: ">b", 3: ">h", 4: ">i", 5: ">q", 8: ">q"}
BITS = {2: 8, 3: 16, 4: 32, 5: 64, 8: 64}


def value(kind):
    """A value of a type, its bytes, and how it is told."""
    if kind in (0, 1):
        return b"", kind == 0
    if kind in NUMBERS:
        number = RANDOM.choice([0, -1, RANDOM.getrandbits(BITS[kind] - 1), -(1 << BITS[kind] - 1)])
        return struct.pack(NUMBERS[kind], number), str(number)
    if kind == 9:
        data = RANDOM.randbytes(16)
        return data, base64.b64encode(data).decode()
    data = RANDOM.randbytes(RANDOM.randrange(40)) if kind == 6 else "".join(RANDOM.choices("aä{}🙂", k=RANDOM.randrange(20))).encode()
    return struct.pack(">H", len(data)) + data, base64.b64encode(data).decode()


def field(name, kind):
    data, told = value(kind)
    return struct.pack(">B", len(name.encode())) + name.encode() + struct.pack(">B", kind) + data, [name, kind, told]


def frame(headers, payload, total=None, length=None):
    prelude = struct.pack(">II", 16 + len(headers) + len(payload) if total is None else total, len(headers) if length is None else length)
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", binascii.crc32(message))


def message():
    fields = [field(name, RANDOM.randrange(10)) for name in RANDOM.sample(NAMES, RANDOM.randrange(5))]
    payload = RANDOM.randbytes(RANDOM.choice([0, 1, 100, 5000]))
    told = {"headers": [told for _, told in fields], "payload": base64.b64encode(payload).decode()}
    return frame(b"".join(data for data, _ in fields), payload), told


def botocores(data):
    """What botocore makes of a stream; None: it refuses it."""
    buffer, found = EventStreamBuffer(), []
    try:
        for place in range(0, len(data), 100):
            buffer.add_data(data[place:place + 100])
            for each in buffer:
                found.append({"headers": each.headers, "payload": base64.b64encode(each.payload).decode()})
    except Exception:
        return None
    return found


def same(told, parsed):
    """botocore's own reading of the headers, which does not keep their types."""
    def plain(kind, text):
        data = text if kind in (0, 1) else int(text) if kind in NUMBERS else base64.b64decode(text)
        return data.decode() if kind == 7 else data

    return len(told) == len(parsed) and all(
        {name: plain(kind, text) for name, kind, text in left["headers"]} == right["headers"] and left["payload"] == right["payload"]
        for left, right in zip(told, parsed))


def put(data, messages, is_well_formed):
    print(json.dumps({"bytes": base64.b64encode(data).decode(), "isWellFormed": is_well_formed, "messages": messages}))


def main():
    for _ in range(60):
        parts = [message() for _ in range(RANDOM.randrange(1, 4))]
        data, told = b"".join(part for part, _ in parts), [told for _, told in parts]
        assert same(told, botocores(data)), told
        put(data, told, True)
    broken = [
        frame(b"\x01x\x0a", b""), frame(b"\x01x\x07\x00\x01\xff", b""), frame(b"\x01x\x00\x01x\x01", b""), frame(b"\x01x", b""),
        frame(b"", b"", length=131_073), frame(b"", b"", total=0x7FFFFFFF), frame(b"\x01x\x05\x00", b""),
    ]
    for _ in range(200):
        data, _ = message()
        place = RANDOM.randrange(len(data))
        broken.append(data[:place] + bytes([data[place] ^ 1 << RANDOM.randrange(8)]) + data[place + 1:])
    for data in broken:
        put(data, None if botocores(data) is None else [], False)
    print("done", flush=True)


main()
