"""Whether a request to Bedrock Runtime is signed (Signature Version 4) or carries a bearer token, told as the service tells it.

The signature is computed anew from the request as it arrived, by botocore: nothing of ours takes part.
"""
import datetime
import hashlib
import hmac
import re

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TOLERANCE = datetime.timedelta(minutes=5)
STAMP = "%Y%m%dT%H%M%SZ"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,]+)/(\d{8})/([^/,]+)/([^/,]+)/aws4_request, *SignedHeaders=([a-z0-9;_-]+), *Signature=([0-9a-f]{64})"
)


class Refusal(Exception):
    """A request is refused: the error's code, its sentence, its HTTP status."""

    def __init__(self, code, message, status=403):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class Authentication:
    """Who may ask.

    keys: access key id -> (secret, session token or None). A session token that begins with `expired` has expired; an access key that
    begins with `AKIADENIED` may do nothing.
    tokens: bearer tokens.
    """

    def __init__(self, keys, tokens, region, service="bedrock"):
        self.keys, self.tokens, self.region, self.service = keys, tokens, region, service

    def check(self, method, target, headers, body, now):
        """How a request proved itself, `sigv4` or `bearer`; raises a Refusal.

        target: the request line's path and query. headers: an email.message.Message. now: the service's time.
        """
        authorization = headers.get("Authorization")
        if authorization is None:
            raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
        if authorization.startswith("Bearer "):
            if authorization[7:] not in self.tokens:
                raise Refusal("AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.")
            return "bearer"
        match = AUTHORIZATION.fullmatch(authorization)
        if match is None:
            raise Refusal("IncompleteSignatureException", f"Authorization header cannot be parsed: '{authorization[:20]}...'")
        key, date, region, service, signed, signature = match.groups()
        stamp = headers.get("X-Amz-Date", "")
        if key not in self.keys:
            raise Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        self._check_time(stamp, date, now)
        if region != self.region:
            raise Refusal("InvalidSignatureException", f"Credential should be scoped to a valid region, not '{region}'.")
        if service != self.service:
            raise Refusal("InvalidSignatureException", f"Credential should be scoped to correct service: '{self.service}'.")
        secret, token = self.keys[key]
        sent = headers.get("X-Amz-Security-Token")
        if sent is not None and sent.startswith("expired"):
            raise Refusal("ExpiredTokenException", "The security token included in the request is expired")
        if sent != token:
            raise Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        self._check_signature(method, target, headers, body, key, secret, token, region, service, stamp, signed.split(";"), signature)
        if key.startswith("AKIADENIED"):
            raise Refusal(
                "AccessDeniedException",
                "User: arn:aws:iam::123456789012:user/denied is not authorized to perform: bedrock:InvokeModel on the resource")
        return "sigv4"

    @staticmethod
    def _check_time(stamp, date, now):
        try:
            time = datetime.datetime.strptime(stamp, STAMP)
        except ValueError:
            raise Refusal("IncompleteSignatureException", "Authorization header requires existence of a valid 'X-Amz-Date' header.")
        if not stamp.startswith(date):
            raise Refusal("InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date")
        if time < now - TOLERANCE:
            limit = (now - TOLERANCE).strftime(STAMP)
            raise Refusal(
                "InvalidSignatureException", f"Signature expired: {stamp} is now earlier than {limit} ({now.strftime(STAMP)} - 5 min.)")
        if time > now + TOLERANCE:
            limit = (now + TOLERANCE).strftime(STAMP)
            raise Refusal(
                "InvalidSignatureException",
                f"Signature not yet current: {stamp} is still later than {limit} ({now.strftime(STAMP)} + 5 min.)")

    @staticmethod
    def _check_signature(method, target, headers, body, key, secret, token, region, service, stamp, signed, signature):
        mismatch = Refusal(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing "
            "method. Consult the service documentation for details.")
        names = {name.lower() for name in headers.keys()}
        needed = {"host"} | {name for name in names if name.startswith("x-amz-")}
        if not needed <= set(signed) or not set(signed) <= names:
            raise mismatch
        claimed = headers.get("X-Amz-Content-Sha256")
        if claimed is not None and claimed != hashlib.sha256(body).hexdigest():
            raise mismatch
        request = AWSRequest(method=method, url=f"http://{headers['Host']}{target}", data=body)
        for name in signed:
            for value in headers.get_all(name):
                request.headers.add_header(name, value)
        signer = SigV4Auth(Credentials(key, secret, token), service, region)
        request.context["timestamp"] = stamp
        if signer.signed_headers(signer.headers_to_sign(request)) != ";".join(signed):
            raise mismatch
        expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        if not hmac.compare_digest(expected, signature):
            raise mismatch
