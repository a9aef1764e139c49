#!/usr/bin/env python3
"""Requests that botocore signs, as JSON lines, for a comparison with our signer.

    sigv4_reference.py requests SEED COUNT    one line a request: what is to be signed, and what botocore made of it
    sigv4_reference.py request SEED NUMBER    the canonical request and the string to sign of one of them, for people
    sigv4_reference.py endpoints              one line for each service, region and variant: the endpoint by botocore's rules

The same seed gives the same requests. The last line is "end"; without botocore the only line is "missing".
"""
import datetime
import json
import random
import sys
from urllib.parse import quote

try:
    import botocore.auth
    import botocore.session
    from botocore.awsrequest import AWSRequest
    from botocore.config import Config
    from botocore.credentials import Credentials
except ImportError:
    print("missing", flush=True)
    sys.exit(0)

SEGMENTS = [
    "", "", ".", "..", "a", "bucket", "..a", "a..", ".hidden", "%2F", "%2f", "%2E%2E", "a%20b", "a+b", "a=b&c", "$delete", "~user", "*",
    "model%3Aversion", "arn:aws:bedrock:us-east-1::foundation-model", "(x)'!", "%E1%88%B4", "%c3%a9", "a@b", "a;v=1,2", "%25", "-._~",
]
NAMES = ["a", "a-", "a.b", "A", "Z", "b", "prefix", "list-type", "uploadId", "partNumber", "X-Id", "é", "ሴ", "a b", "a+b", "a/b", "[]", "%41", "~", "_"]
VALUES = ["", "1", "2", "value", "a b", "a+b", "a=b", "a&b", "a/b?c#d", "é", "ሴ😀", "100%", "%2F", "~-._", "!*'()", "\u0301x", ",:;@$"]
FIELDS = [
    "Content-Type", "content-type", "X-Amz-Target", "X-Amz-Meta-Colour", "x-amz-meta-colour", "Range", "If-None-Match", "X-AMZ-ACL", "Accept",
    "My-Header1", "x-b", "x-a", "X-A-B", "Cache-Control", "Content-Length", "Content-MD5", "User-Agent", "X-Amzn-Trace-Id", "Expect", "TE", "Connection",
    "Transfer-Encoding", "traceparent", "baggage",
]
FIELD_VALUES = ["", "a", "bytes=0-9", "  a  b  ", "a\tb", '"a   b"', "application/json; charset=utf-8", "é", "a,b", "*", "DynamoDB_20120810.GetItem", "x" * 200]
SERVICES = ["bedrock", "dynamodb", "secretsmanager", "sts", "es", "aoss", "execute-api"]
REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-2", "cn-north-1", "us-gov-west-1"]
HOSTS = ["example.amazonaws.com", "Example.AmazonAWS.com", "bucket.s3.eu-central-1.amazonaws.com", "127.0.0.1", "localhost", "[::1]", "[2001:db8::1]"]


class Made:
    """One request: what is to be signed, and the request that botocore signs."""

    def __init__(self, dice: random.Random) -> None:
        self.is_s3 = dice.random() < 0.4
        self.is_query = dice.random() < 0.4
        self.service = "s3" if self.is_s3 else dice.choice(SERVICES)
        self.region = dice.choice(REGIONS)
        self.time = dice.randrange(946684800, 4070908800)
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+"
        word = lambda length: "".join(dice.choice(alphabet) for _ in range(length))
        token = word(dice.choice([40, 300])) + "==" if dice.random() < 0.4 else None
        self.credentials = Credentials("AKIA" + word(16).replace("/", "X").replace("+", "Y"), word(40), token)
        self.method = dice.choice(["GET", "PUT", "POST", "DELETE", "HEAD"])
        scheme = dice.choice(["http", "https"])
        port = dice.choice(["", "", ":80", ":443", ":8443"])
        path = "".join("/" + dice.choice(SEGMENTS) for _ in range(dice.randrange(6)))
        # HTTP has no empty path, and botocore's signer for S3 relies on others to say so.
        path = path or "/" if self.is_s3 else path
        pairs = [(dice.choice(NAMES), dice.choice(VALUES), dice.random() < 0.1) for _ in range(dice.choice([0, 0, 1, 2, 3, 6]))]
        if self.is_query:
            # botocore keeps the first of repeated names in a URL that it presigns.
            pairs = list({name: (name, value, alone) for name, value, alone in pairs}.values())
        encode = lambda text: quote(text, safe="-_.~")
        query = "&".join(encode(name) + ("" if alone else "=" + encode(value)) for name, value, alone in pairs)
        self.url = f"{scheme}://{dice.choice(HOSTS)}{port}{path}" + ("?" + query if query else "")
        self.headers = [(dice.choice(FIELDS), dice.choice(FIELD_VALUES)) for _ in range(dice.choice([0, 1, 2, 4, 8]))]
        self.expires = dice.choice([1, 60, 3600, 604800])
        body = dice.choice(["", "", "{}", "Param1=value1", word(1000), "é" * 10])
        self.body = "" if self.is_query or self.method in ("GET", "HEAD") else body
        self.is_unsigned = not self.is_query and scheme == "https" and dice.random() < 0.2

    def sign(self) -> tuple:
        request = AWSRequest(method=self.method, url=self.url, data=self.body.encode())
        for name, value in self.headers:
            request.headers[name] = value
        if self.is_unsigned:
            request.context["payload_signing_enabled"] = False
            request.context["client_config"] = Config(s3={"payload_signing_enabled": False})
        moment = datetime.datetime.fromtimestamp(self.time, datetime.timezone.utc).replace(tzinfo=None)
        botocore.auth.get_current_datetime = lambda *_: moment
        if self.is_query:
            kind = botocore.auth.S3SigV4QueryAuth if self.is_s3 else botocore.auth.SigV4QueryAuth
            auth = kind(self.credentials, self.service, self.region, self.expires)
        else:
            kind = botocore.auth.S3SigV4Auth if self.is_s3 else botocore.auth.SigV4Auth
            auth = kind(self.credentials, self.service, self.region)
        seen = []
        original = auth.string_to_sign
        auth.string_to_sign = lambda made, canonical: seen.extend([canonical, original(made, canonical)]) or seen[1]
        auth.add_auth(request)
        return request, seen

    def line(self) -> str:
        request, _ = self.sign()
        fields = {
            "s3": self.is_s3, "query": self.is_query, "method": self.method, "url": self.url, "headers": self.headers, "body": self.body,
            "unsigned": self.is_unsigned, "service": self.service, "region": self.region, "time": self.time,
            "id": self.credentials.access_key, "secret": self.credentials.secret_key, "token": self.credentials.token, "expires": self.expires,
        }
        if self.is_query:
            fields["signed"] = "X-Amz-Algorithm=" + request.url.partition("X-Amz-Algorithm=")[2]
        else:
            fields["signed"] = request.headers["Authorization"]
        return json.dumps(fields, separators=(",", ":"))


def endpoints() -> None:
    from botocore.exceptions import EndpointProviderError
    from botocore.loaders import Loader
    from botocore.endpoint_provider import EndpointProvider

    loader = Loader()
    partitions = loader.load_data("partitions")
    regions = sorted(
        {region for partition in partitions["partitions"] for region in partition["regions"] if not region.endswith("-global")}
        # A region that does not exist yet goes by its partition's pattern.
        | {"eu-future-9", "us-gov-north-7", "cn-west-5", "us-iso-south-3", "mars-north-1"}
    )
    for service in ["s3", "dynamodb", "bedrock-runtime", "secretsmanager", "sts"]:
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        provider = EndpointProvider(rules, partitions)
        for region in regions:
            for fips in (False, True):
                for dual in (False, True):
                    parameters = {"Region": region, "UseFIPS": fips, "UseDualStack": dual}
                    if service == "s3":
                        parameters |= {"UseGlobalEndpoint": False, "Accelerate": False, "ForcePathStyle": False}
                    if service == "sts":
                        parameters["UseGlobalEndpoint"] = False
                    known = rules["parameters"]
                    parameters = {name: value for name, value in parameters.items() if name in known}
                    try:
                        url = provider.resolve_endpoint(**parameters).url
                    except EndpointProviderError as error:
                        url = None
                        reason = str(error)
                    print(json.dumps([service, region, fips, dual, url] + ([reason] if url is None else [])))


def main() -> None:
    command = sys.argv[1]
    if command == "requests":
        dice = random.Random(int(sys.argv[2]))
        for _ in range(int(sys.argv[3])):
            print(Made(dice).line())
    elif command == "request":
        dice = random.Random(int(sys.argv[2]))
        for _ in range(int(sys.argv[3])):
            Made(dice)
        _, seen = Made(dice).sign()
        print("\n\n".join(seen))
    elif command == "endpoints":
        endpoints()
    print("end", flush=True)


main()
