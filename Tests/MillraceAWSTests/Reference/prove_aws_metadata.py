#!/usr/bin/env python3
"""Drives the fake of the metadata services with botocore: python prove_aws_metadata.py URL. Prints `proved` as its last line."""
import datetime
import hashlib
import json
import os
import sys
import tempfile

url = sys.argv[1]
home = tempfile.mkdtemp()
for name in list(os.environ):
    if name.startswith("AWS_"):
        del os.environ[name]
os.environ["HOME"] = home

import botocore.exceptions  # noqa: E402
import botocore.session  # noqa: E402
import botocore.utils  # noqa: E402

botocore.utils.ContainerMetadataFetcher.SLEEP_TIME = 0


def credentials(environment, config="", profile=None):
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ.update(environment)
    os.makedirs(home + "/.aws/sso/cache", exist_ok=True)
    with open(home + "/.aws/config", "w") as file:
        file.write(config)
    found = botocore.session.Session(profile=profile).get_credentials()
    return found and (found.method, found.get_frozen_credentials())


def expect(condition, what):
    if not condition:
        sys.exit(f"not as botocore wants it: {what}")


def instance(scenario):
    return credentials({"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{url}/{scenario}", "AWS_EC2_METADATA_V1_DISABLED": "true"})


method, found = instance("ok")
expect(method == "iam-role" and found.access_key.startswith("ASIAINSTANCE") and found.token == "instance-session", "instance")
expect(instance("no-role") is None, "an instance without a role")
expect(instance("distrusted") is None, "a role that distrusts EC2")
expect(instance("expired")[0] == "iam-role", "expired credentials are used")
try:
    instance("switched-off")
    sys.exit("a service that is switched off gave credentials")
except botocore.exceptions.MetadataRetrievalError:
    pass
region = botocore.utils.InstanceMetadataRegionFetcher(base_url=f"{url}/ok").retrieve_region()
expect(region == "eu-central-1", "the region")

no_instance = {"AWS_EC2_METADATA_DISABLED": "true"}


def container(scenario, **more):
    return credentials({"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/{scenario}/container", **no_instance, **more})


method, found = container("ok")
expect(method == "container-role" and found.access_key.startswith("ASIACONTAINER") and found.token == "container-session", "container")
expect(container("guarded", AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic s3cret")[0] == "container-role", "a token")
expect(container("shaky")[0] == "container-role", "a container's third attempt")
for scenario in ("broken", "guarded"):
    try:
        container(scenario)
        sys.exit(f"container {scenario} gave credentials")
    except botocore.exceptions.CredentialRetrievalError:
        pass


def sso(token, session="corp"):
    key = session or "https://corp.awsapps.com/start"
    with open(f"{home}/.aws/sso/cache/{hashlib.sha1(key.encode()).hexdigest()}.json", "w") as file:
        json.dump(token, file)
    settings = "sso_start_url = https://corp.awsapps.com/start\nsso_region = eu-central-1\n"
    config = "[profile dev]\nsso_account_id = 123456789012\nsso_role_name = Developer\n"
    config += f"sso_session = {session}\n[sso-session {session}]\n{settings}" if session else settings
    environment = {"AWS_ENDPOINT_URL_SSO": url + "/ok", "AWS_ENDPOINT_URL_SSO_OIDC": url + "/ok", **no_instance}
    return credentials(environment, config, "dev")


def after(hours):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


method, found = sso({"accessToken": "valid-1", "expiresAt": after(8)})
expect(method == "sso" and found.token == "for valid-1", "IAM Identity Center")
expect(sso({"accessToken": "valid-2", "expiresAt": after(8)}, None)[1].token == "for valid-2", "the older form")
method, found = sso({
    "accessToken": "valid-3", "expiresAt": after(-1), "refreshToken": "refresh-1", "clientId": "client", "clientSecret": "client-secret",
    "registrationExpiresAt": after(100)})
expect(found.token.startswith("for valid-renewed-"), "a renewed token")
try:
    sso({"accessToken": "wrong", "expiresAt": after(8)})
    sys.exit("a wrong token was taken")
except botocore.exceptions.UnauthorizedSSOTokenError:
    pass
print("proved", flush=True)
