"""Who may ask the fake: basic authentication, or a signature (version 4) that botocore makes the same way."""
import base64
import hashlib
import hmac
import re


def refusal(options, method, target, headers, body):
    """Status and body for a request that is not let in; None for one that is."""
    authorization = headers.get("Authorization") or ""
    if options.auth == "none":
        return None
    if options.auth == "basic":
        wanted = base64.b64encode(f"{options.user}:{options.password}".encode()).decode()
        return None if hmac.compare_digest(authorization, "Basic " + wanted) else (401, "Unauthorized")
    if not authorization:
        return 403, {"Message": f"User: anonymous is not authorized to perform: {options.auth}:ESHttp{method.capitalize()}"}
    match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), "
                         r"Signature=([0-9a-f]{64})", authorization)
    if not match:
        return 403, {"message": "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' parameters"}
    key, _, region, service, names, signature = match.groups()
    if key != options.access_key:
        return 403, {"message": "The security token included in the request is invalid."}
    if service != options.auth or region != options.region:
        return 403, {"message": f"Credential should be scoped to a valid region and correct service: '{options.auth}'."}
    digest = hashlib.sha256(body).hexdigest()
    if options.auth == "aoss" and headers.get("X-Amz-Content-Sha256") is None:
        return 403, {"message": "x-amz-content-sha256 is missing"}
    if headers.get("X-Amz-Content-Sha256", digest) != digest:
        return 403, {"message": "The provided 'x-amz-content-sha256' header does not match what was computed."}
    if not {"host", "x-amz-date"} <= set(names.split(";")):
        return 403, {"message": "'Host' and 'X-Amz-Date' must be signed"}
    if signature != expected(options, method, target, headers, body, names.split(";"), service, region):
        return 403, {"message": "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
                                "Key and signing method."}
    return None


def expected(options, method, target, headers, body, names, service, region):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    request = AWSRequest(method=method, url="http://" + headers["Host"] + target, data=body,
                         headers={name: headers[name] for name in names if headers.get(name) is not None})
    request.context["timestamp"] = headers["X-Amz-Date"]
    signer = SigV4Auth(Credentials(options.access_key, options.secret_key), service, region)
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
