#!/usr/bin/env python3
"""Writes sigv4_suite.json from AWS's Signature Version 4 test suite, as botocore's source distribution has it.

    pip download --no-deps --no-binary :all: botocore==VERSION && tar xzf botocore-VERSION.tar.gz
    python sigv4_suite.py botocore-VERSION/tests/unit/auth/aws4_testsuite > sigv4_suite.json

Each case is a directory with the request (.req) and what comes of it: canonical request (.creq), string to sign (.sts), value of
Authorization (.authz). The request is taken apart by hand, since most HTTP parsers refuse or repair what the suite is about.
"""
import json
import pathlib
import re
import sys


def case(request: pathlib.Path, root: pathlib.Path) -> dict:
    def text(suffix: str) -> str:
        return request.with_suffix(suffix).read_bytes().decode().replace("\r", "")

    head, _, body = text(".req").partition("\n\n")
    first, *lines = head.rstrip("\n").split("\n")
    method, target = first.removesuffix(" HTTP/1.1").split(" ", 1)
    headers = []
    for line in lines:
        if line[:1] in " \t":
            headers[-1][1] += "\n" + line
        else:
            headers.append(list(line.split(":", 1)))
    path, _, query = target.partition("?")
    signed = text(".creq")
    # The token is in the signed request, and in the canonical one where it is signed as well.
    token = re.search(r"^x-amz-security-token:(.*)$", text(".sreq"), re.MULTILINE | re.IGNORECASE)
    return {
        "name": str(request.parent.relative_to(root)),
        "method": method, "path": path, "query": query, "headers": headers, "body": body,
        "token": token and token[1].strip(),
        "signsToken": "x-amz-security-token" in signed,
        "canonicalRequest": signed, "stringToSign": text(".sts"), "authorization": text(".authz"),
    }


def main() -> None:
    root = pathlib.Path(sys.argv[1])
    cases = [case(request, root) for request in sorted(root.rglob("*.req"))]
    json.dump(cases, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


main()
