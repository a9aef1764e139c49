#!/usr/bin/env python3
"""What botocore makes of profile files, command lines and whole configurations: python aws_configuration.py CASES.json

CASES.json: {"files": [text], "lines": [text], "configurations": [{"environment", "config", "credentials", "profile"}]}. Prints one line
of JSON with an answer for each, in order.
"""
import json
import os
import shlex
import sys
import tempfile

home = tempfile.mkdtemp()
for name in list(os.environ):
    if name.startswith("AWS_"):
        del os.environ[name]
os.environ["HOME"] = home
os.makedirs(home + "/.aws")

import botocore.configloader  # noqa: E402
import botocore.exceptions  # noqa: E402
import botocore.session  # noqa: E402


def write(name, text):
    path = f"{home}/.aws/{name}"
    if text is None:
        if os.path.exists(path):
            os.remove(path)
        return
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def parsed(text):
    write("odd", text)
    try:
        raw = botocore.configloader.raw_config_parse(home + "/.aws/odd")
        built = botocore.configloader.build_profile_map(raw)
    except botocore.exceptions.ConfigParseError:
        return {"error": True}
    return {"sections": raw, **{name: built[name] for name in ("profiles", "sso_sessions", "services")}}


def words(text):
    try:
        return shlex.split(text)
    except ValueError:
        return None


def described(credentials):
    if credentials is None:
        return None
    answer = {"method": credentials.method}
    frozen = getattr(credentials, "_frozen_credentials", None)
    if frozen or not hasattr(credentials, "_frozen_credentials"):
        answer["key"] = credentials.get_frozen_credentials().access_key
        answer["token"] = credentials.get_frozen_credentials().token
    refresh = getattr(credentials, "_refresh_using", None)
    # A role with an mfa_serial has another layer.
    fetcher = getattr(getattr(refresh, "_refresh", refresh), "__self__", None)
    if credentials.method == "assume-role":
        arguments = fetcher._assume_kwargs
        answer["role"] = arguments["RoleArn"]
        answer["external_id"] = arguments.get("ExternalId")
        answer["duration"] = arguments.get("DurationSeconds")
        answer["mfa"] = arguments.get("SerialNumber")
        answer["session"] = None if fetcher._using_default_session_name else arguments["RoleSessionName"]
        answer["source"] = described(fetcher._source_credentials)
    elif credentials.method == "assume-role-with-web-identity":
        answer["role"] = fetcher._role_arn
        answer["file"] = fetcher._web_identity_token_loader._web_identity_token_path
        answer["session"] = None if fetcher._using_default_session_name else fetcher._assume_kwargs["RoleSessionName"]
    elif credentials.method == "sso":
        answer["account"], answer["role"] = fetcher._account_id, fetcher._role_name
        answer["start_url"], answer["region"], answer["session"] = fetcher._start_url, fetcher._sso_region, fetcher._sso_session_name
    return {name: value for name, value in answer.items() if value is not None}


SERVICES = ("s3", "dynamodb", "bedrock-runtime", "secretsmanager", "sts", "sso", "sso-oidc", "opensearch")


def resolved(case):
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ.update(case.get("environment", {}))
    write("config", case.get("config"))
    write("credentials", case.get("credentials"))
    answer = {}
    try:
        session = botocore.session.Session(profile=case.get("profile"))
        answer["credentials"] = described(session.get_credentials())
    except botocore.exceptions.BotoCoreError as error:
        answer["error"] = type(error).__name__
        return answer
    answer["region"] = session.get_config_variable("region")
    answer["fips"] = bool(session.get_config_variable("use_fips_endpoint"))
    answer["dualstack"] = bool(session.get_config_variable("use_dualstack_endpoint"))
    answer["endpoints"] = {}
    ignored = session.get_config_variable("ignore_configured_endpoint_urls")
    for service in SERVICES:
        provider = botocore.configprovider.ConfiguredEndpointProvider(
            full_config=session.full_config, scoped_config=session.get_scoped_config(), client_name=service)
        try:
            endpoint = None if ignored else provider.provide()
        except botocore.exceptions.BotoCoreError:
            endpoint = "error"
        if endpoint:
            answer["endpoints"][service] = endpoint
    return answer


with open(sys.argv[1], encoding="utf-8") as file:
    cases = json.load(file)
print(json.dumps({
    "files": [parsed(text) for text in cases.get("files", [])], "lines": [words(text) for text in cases.get("lines", [])],
    "configurations": [resolved(case) for case in cases.get("configurations", [])]}), flush=True)
