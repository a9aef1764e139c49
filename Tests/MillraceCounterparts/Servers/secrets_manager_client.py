"""Drives a Secrets Manager with AWS's own client: `URL prove` checks a server, `URL put NAME VALUE` changes a secret behind our back.

Prints `ok` at the end, or a traceback.
"""
import sys

import boto3
import botocore.exceptions

url, command, *arguments = sys.argv[1:]
client = boto3.client(
    "secretsmanager", endpoint_url=url, region_name="eu-central-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret")


def code(call, **parameters):
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return None


def prove():
    assert code(client.get_secret_value, SecretId="proof/none") == "ResourceNotFoundException"
    first = client.create_secret(Name="proof/a", SecretString="eins")["VersionId"]
    assert code(client.create_secret, Name="proof/a", SecretString="x") == "ResourceExistsException"
    second = client.put_secret_value(SecretId="proof/a", SecretString="zwei")["VersionId"]
    assert first != second
    value = client.get_secret_value(SecretId="proof/a")
    assert (value["SecretString"], value["VersionId"]) == ("zwei", second), value
    assert client.get_secret_value(SecretId="proof/a", VersionStage="AWSPREVIOUS")["SecretString"] == "eins"
    client.create_secret(Name="proof/b", SecretBinary=b"\x00\xff")
    assert client.get_secret_value(SecretId="proof/b")["SecretBinary"] == b"\x00\xff"
    pages = client.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": ["proof/"]}], PaginationConfig={"PageSize": 1})
    assert sorted(entry["Name"] for page in pages for entry in page["SecretList"]) == ["proof/a", "proof/b"]
    client.delete_secret(SecretId="proof/a", RecoveryWindowInDays=7)
    assert "DeletedDate" in client.describe_secret(SecretId="proof/a")
    assert code(client.get_secret_value, SecretId="proof/a") == "InvalidRequestException"
    client.restore_secret(SecretId="proof/a")
    assert client.get_secret_value(SecretId="proof/a")["SecretString"] == "zwei"
    for name in ["proof/a", "proof/b"]:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    assert code(client.describe_secret, SecretId="proof/a") == "ResourceNotFoundException"


if command == "prove":
    prove()
elif command == "put":
    client.put_secret_value(SecretId=arguments[0], SecretString=arguments[1])
elif command == "put-binary":
    client.create_secret(Name=arguments[0], SecretBinary=bytes.fromhex(arguments[1]))
else:
    sys.exit("unknown command")
print("ok", flush=True)
