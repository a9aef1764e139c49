"""Decrypts a file of secrets as its format is documented, with another library than Millrace's: `KEYFILE FILE NAME` prints the value."""
import base64
import json
import pathlib
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

key_file, path, name = sys.argv[1:]
keys = [base64.b64decode(line) for line in pathlib.Path(key_file).read_text().splitlines() if not line.startswith("#")]
head, _, body = pathlib.Path(path).read_bytes().partition(b"\n")
magic, version, key_id, nonce, tag = head.decode().split(" ")
assert (magic, version) == ("millrace-secrets", "1")
aead = AESGCM(keys[0])
assert aead.decrypt(bytes.fromhex(nonce), bytes.fromhex(tag), f"{magic} {version} {key_id}\n".encode() + body) == b""
entry = json.loads(body)["secrets"][name]
context = f"millrace-secret\n1\n{name}\n{entry['version']}\n{entry['changed_at']}\n".encode()
print("value", aead.decrypt(base64.b64decode(entry["nonce"]), base64.b64decode(entry["value"]), context).decode(), flush=True)
