#!/usr/bin/env python3
"""The places beside AWS's services where credentials come from: instance metadata, a container's agent, IAM Identity Center.

Prints its port, then serves until it is killed. The first part of a path names a scenario, so that one server serves many tests
at once: /ok/latest/api/token, or /ok.1/… for a count of its own. Every answer's access key says where it is from, and counts up.

  GET /<scenario>/requests   what the scenario was asked so far, as JSON
"""
import collections
import datetime
import http.server
import json
import sys
import threading
import urllib.parse

TOKEN = "imds-token=="
ROLE = "demo-role"
lock = threading.Lock()
seen = collections.defaultdict(list)
counts = collections.Counter()


def stamp(hours):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="text/plain", headers=()):
        if isinstance(body, (dict, list)):
            body, kind = json.dumps(body), "application/json"
        if isinstance(body, str):
            body = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def respond(self):
        url = urllib.parse.urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        _, scenario, *rest = url.path.split("/", 2)
        path = "/" + (rest[0] if rest else "")
        if path == "/requests":
            with lock:
                return self.answer(200, seen[scenario])
        with lock:
            seen[scenario].append(f"{self.command} {path}")
            counts[scenario, path] += 1
            count = counts[scenario, path]
        # What stands behind a dot keeps the counts of tests apart.
        scenario = scenario.split(".")[0]
        if path.startswith("/latest/"):
            self.instance(scenario, path, count)
        elif path.startswith("/container"):
            self.container(scenario, count)
        elif path == "/federation/credentials":
            self.portal(scenario, urllib.parse.parse_qs(url.query), count)
        elif path == "/token":
            self.token(scenario, body, count)
        else:
            self.answer(404)

    do_GET = do_PUT = do_POST = respond

    # The instance metadata service, version 2.

    def instance(self, scenario, path, count):
        if scenario == "silent":
            # Until the client has had enough.
            self.rfile.read(1)
            self.close_connection = True
            return None
        if path == "/latest/api/token":
            if scenario == "version-one":
                return self.answer(404)
            if scenario == "switched-off":
                return self.answer(403)
            if scenario == "shaky" and count == 1:
                return self.answer(503)
            if self.command != "PUT" or not (self.headers.get("X-aws-ec2-metadata-token-ttl-seconds") or "").isdigit():
                return self.answer(400)
            return self.answer(200, TOKEN)
        if scenario != "version-one" and self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
            return self.answer(401)
        base = "/latest/meta-data/iam/security-credentials/"
        if path == base:
            return self.answer(404) if scenario == "no-role" else self.answer(200, ROLE)
        if path == base + ROLE:
            if scenario == "broken":
                return self.answer(500, "no")
            if scenario == "distrusted":
                return self.answer(200, {"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role demo-role."})
            if scenario == "dying" and count > 1:
                return self.answer(500, "no")
            return self.answer(200, {
                "Code": "Success", "LastUpdated": stamp(0), "Type": "AWS-HMAC", "AccessKeyId": f"ASIAINSTANCE{count}",
                "SecretAccessKey": "instance-secret", "Token": "instance-session",
                "Expiration": stamp(-1 if scenario == "expired" else 6)})
        if path == "/latest/meta-data/placement/region":
            return self.answer(200, "eu-central-1")
        if path == "/latest/meta-data/placement/availability-zone/":
            return self.answer(200, "eu-central-1b")
        return self.answer(404)

    # The agent of ECS and EKS.

    def container(self, scenario, count):
        if scenario == "guarded" and self.headers.get("Authorization") != "Basic s3cret":
            return self.answer(401, {"code": "Unauthorized", "message": "The token is wrong."})
        if scenario == "broken":
            return self.answer(400, {"code": "InvalidRequest", "message": "No such task."})
        if scenario == "shaky" and count < 3:
            return self.answer(500)
        if scenario == "chatty":
            return self.answer(200, "secret words that are no JSON")
        if scenario == "partial":
            return self.answer(200, {"AccessKeyId": "ASIAPARTIAL", "Token": "x", "Expiration": stamp(6)})
        return self.answer(200, {
            "RoleArn": "arn:aws:iam::123456789012:role/task", "AccessKeyId": f"ASIACONTAINER{count}",
            "SecretAccessKey": "container-secret", "Token": "container-session", "Expiration": stamp(6)})

    # IAM Identity Center.

    def portal(self, scenario, query, count):
        token = self.headers.get("x-amz-sso_bearer_token") or ""
        if not token.startswith("valid-"):
            return self.answer(401, {"message": "Session token not found or invalid"},
                               headers=[("x-amzn-ErrorType", "UnauthorizedException")])
        if query.get("role_name") != ["Developer"] or query.get("account_id") != ["123456789012"]:
            return self.answer(403, {"message": "No access"}, headers=[("x-amzn-ErrorType", "ForbiddenException")])
        expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=6)
        return self.answer(200, {"roleCredentials": {
            "accessKeyId": f"ASIASSO{count}", "secretAccessKey": "sso-secret", "sessionToken": "for " + token,
            "expiration": int(expiry.timestamp() * 1000)}})

    def token(self, scenario, body, count):
        form = json.loads(body)
        if form.get("grantType") != "refresh_token" or form.get("clientId") != "client" or form.get("clientSecret") != "client-secret":
            return self.answer(401, {"error": "invalid_client"}, headers=[("x-amzn-ErrorType", "InvalidClientException")])
        if form.get("refreshToken") != "refresh-1":
            return self.answer(400, {"error": "invalid_grant", "error_description": "Invalid refresh token provided"},
                               headers=[("x-amzn-ErrorType", "InvalidGrantException")])
        return self.answer(200, {
            "accessToken": f"valid-renewed-{count}", "expiresIn": 28800, "tokenType": "Bearer", "refreshToken": "refresh-2"})


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
