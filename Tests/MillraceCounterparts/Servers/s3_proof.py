"""Shows by AWS's own client what an S3 server does: s3_proof.py ENDPOINT ACCESS_KEY SECRET_KEY [CASE...]

The cases that are named are left out. Prints one line a case: its name, then "ok" or what was wrong. The bucket is the script's own.
"""
import datetime
import sys
import urllib.error
import urllib.request
import uuid

import boto3
import botocore.auth
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, access_key, secret_key, *left_out = sys.argv[1:]


def client(secret=secret_key):
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=access_key, aws_secret_access_key=secret,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 1}, connect_timeout=5, read_timeout=5))


s3 = client()
bucket = "proof-" + uuid.uuid4().hex[:12]
s3.create_bucket(Bucket=bucket)


def case(name):
    def run(body):
        if name in left_out:
            return
        try:
            body()
            print(name, "ok", flush=True)
        except Exception as error:  # The case's outcome is what is wanted, whatever it is.
            print(name, type(error).__name__, str(error).replace("\n", " ")[:160], flush=True)
    return run


def refusal(body):
    try:
        body()
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError("it was not refused")


def fetch(url, method="GET", data=None):
    request = urllib.request.Request(url, data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def key_case(name, key):
    @case("key-" + name)
    def _():
        content = name.encode()
        s3.put_object(Bucket=bucket, Key=key, Body=content)
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == content
        keys = [o["Key"] for p in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket) for o in p.get("Contents", [])]
        assert key in keys, f"not listed: {keys}"
        s3.delete_object(Bucket=bucket, Key=key)
        assert refusal(lambda: s3.head_object(Bucket=bucket, Key=key)) == "404"


for name, key in [
    ("plain", "a.txt"), ("nested", "a/b/c.txt"), ("space", "a b.txt"), ("plus", "a+b.txt"), ("percent", "a%20b%.txt"), ("emoji", "fjörd/🐟.txt"),
    ("quotes", "a'b\"c<d>&e.txt"), ("query", "a?b#c=d;e:f@g,h!i$j(k)*l"), ("tilde", "~a/_b-c"), ("backslash", "a\\b"), ("dots", "a/../b"),
    ("dot", "./a"), ("double-slash", "a//b"), ("leading-slash", "/a"), ("trailing-slash", "folder/"), ("long", "k" * 200 + "/" + "l" * 200),
    ("longest", "m" * 1024), ("longest-nested", "/".join(["n" * 63] * 16)), ("upper-and-lower", "A/a"), ("decomposed", "fjo\u0308rd"),
]:
    key_case(name, key)


@case("file-beside-folder")
def _():
    s3.put_object(Bucket=bucket, Key="beside", Body=b"1")
    s3.put_object(Bucket=bucket, Key="beside/inner", Body=b"2")
    assert s3.get_object(Bucket=bucket, Key="beside")["Body"].read() == b"1"
    assert s3.get_object(Bucket=bucket, Key="beside/inner")["Body"].read() == b"2"


@case("empty")
def _():
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    assert s3.get_object(Bucket=bucket, Key="empty")["Body"].read() == b""


@case("ranges")
def _():
    s3.put_object(Bucket=bucket, Key="ranges", Body=b"0123456789")
    for field, want in [("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-3", b"789"), ("bytes=8-99", b"89"), ("bytes=-99", b"0123456789")]:
        got = s3.get_object(Bucket=bucket, Key="ranges", Range=field)["Body"].read()
        assert got == want, (field, got)


@case("range-beyond")
def _():
    s3.put_object(Bucket=bucket, Key="ranges", Body=b"0123456789")
    assert refusal(lambda: s3.get_object(Bucket=bucket, Key="ranges", Range="bytes=10-")) == "InvalidRange"


@case("metadata")
def _():
    s3.put_object(Bucket=bucket, Key="metadata", Body=b"x", ContentType="text/x-proof", Metadata={"one-two": "a  b", "word": "=?UTF-8?B?w6Q=?="})
    head = s3.head_object(Bucket=bucket, Key="metadata")
    assert head["ContentType"] == "text/x-proof" and head["Metadata"]["word"] == "=?UTF-8?B?w6Q=?=", head["Metadata"]


@case("copy")
def _():
    s3.put_object(Bucket=bucket, Key="source ä+", Body=b"copied", ContentType="text/x-proof", Metadata={"m": "1"})
    s3.copy_object(Bucket=bucket, Key="target", CopySource={"Bucket": bucket, "Key": "source ä+"})
    got = s3.get_object(Bucket=bucket, Key="target")
    assert got["Body"].read() == b"copied" and got["Metadata"] == {"m": "1"} and got["ContentType"] == "text/x-proof", got


@case("multipart")
def _():
    part = b"p" * (5 << 20)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="multipart", ContentType="text/x-proof", Metadata={"m": "1"})["UploadId"]
    tags = [
        s3.upload_part(Bucket=bucket, Key="multipart", UploadId=upload, PartNumber=n, Body=body)["ETag"]
        for n, body in [(1, part), (2, b"end")]
    ]
    listed = s3.list_parts(Bucket=bucket, Key="multipart", UploadId=upload)["Parts"]
    assert [p["Size"] for p in listed] == [5 << 20, 3], listed
    s3.complete_multipart_upload(
        Bucket=bucket, Key="multipart", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": n + 1, "ETag": tag} for n, tag in enumerate(tags)]})
    got = s3.get_object(Bucket=bucket, Key="multipart")
    assert got["Body"].read() == part + b"end" and got["ContentType"] == "text/x-proof" and got["Metadata"] == {"m": "1"}


@case("multipart-copy")
def _():
    upload = s3.create_multipart_upload(Bucket=bucket, Key="multipart-copy")["UploadId"]
    s3.put_object(Bucket=bucket, Key="part-source", Body=b"0123456789")
    tag = s3.upload_part_copy(
        Bucket=bucket, Key="multipart-copy", UploadId=upload, PartNumber=1, CopySource={"Bucket": bucket, "Key": "part-source"},
        CopySourceRange="bytes=2-5")["CopyPartResult"]["ETag"]
    s3.complete_multipart_upload(
        Bucket=bucket, Key="multipart-copy", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    assert s3.get_object(Bucket=bucket, Key="multipart-copy")["Body"].read() == b"2345"


@case("multipart-abort")
def _():
    upload = s3.create_multipart_upload(Bucket=bucket, Key="aborted")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="aborted", UploadId=upload, PartNumber=1, Body=b"x")
    uploads = [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]
    assert upload in uploads, "the upload is not listed"
    s3.abort_multipart_upload(Bucket=bucket, Key="aborted", UploadId=upload)
    uploads = [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]
    assert upload not in uploads, "the upload is still listed"


@case("put-absent")
def _():
    s3.put_object(Bucket=bucket, Key="absent", Body=b"1", IfNoneMatch="*")
    assert refusal(lambda: s3.put_object(Bucket=bucket, Key="absent", Body=b"2", IfNoneMatch="*")) == "PreconditionFailed"


@case("put-matches")
def _():
    tag = s3.put_object(Bucket=bucket, Key="matches", Body=b"1")["ETag"]
    assert refusal(lambda: s3.put_object(Bucket=bucket, Key="matches", Body=b"2", IfMatch='"other"')) == "PreconditionFailed"
    s3.put_object(Bucket=bucket, Key="matches", Body=b"3", IfMatch=tag)


@case("get-conditions")
def _():
    tag = s3.put_object(Bucket=bucket, Key="conditions", Body=b"1")["ETag"]
    assert refusal(lambda: s3.get_object(Bucket=bucket, Key="conditions", IfMatch='"other"')) == "PreconditionFailed"
    assert refusal(lambda: s3.get_object(Bucket=bucket, Key="conditions", IfNoneMatch=tag)) == "304"


@case("list-order-and-pages")
def _():
    wanted = ["list/" + name for name in ["a", "a b", "a-b", "a.b", "a/b", "a0", "aä", "a🐟", "b"]]
    for key in wanted:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    wanted.sort(key=lambda key: key.encode())
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="list/", PaginationConfig={"PageSize": 2})
    got = [o["Key"] for p in pages for o in p.get("Contents", [])]
    assert got == wanted, got
    got = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix="list/", StartAfter="list/a.b")["Contents"]]
    assert got == wanted[wanted.index("list/a.b") + 1:], got


@case("delete-objects")
def _():
    for key in ["del 1", "del&2"]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "del 1"}, {"Key": "del&2"}, {"Key": "del none"}]})
    assert s3.list_objects_v2(Bucket=bucket, Prefix="del").get("KeyCount", 0) == 0


@case("wrong-secret")
def _():
    assert refusal(lambda: client("wrong").get_object(Bucket=bucket, Key="empty")) == "SignatureDoesNotMatch"


class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.now(tz) + datetime.timedelta(minutes=30)

    @classmethod
    def utcnow(cls):
        return datetime.datetime.utcnow() + datetime.timedelta(minutes=30)


@case("skewed-clock")
def _():
    import botocore.compat
    names = [n for n in ("get_current_datetime",) if hasattr(botocore.auth, n)]
    kept = {n: getattr(botocore.auth, n) for n in names}
    try:
        for n in names:
            setattr(botocore.auth, n, lambda remove_tzinfo=True: kept[n](remove_tzinfo) + datetime.timedelta(minutes=30))
        assert refusal(lambda: client().get_object(Bucket=bucket, Key="empty")) == "RequestTimeTooSkewed"
    finally:
        for n in names:
            setattr(botocore.auth, n, kept[n])


@case("presigned")
def _():
    key = "signed ä+/🐟"
    put = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": key}, 60)
    assert fetch(put, "PUT", b"by url")[0] == 200
    get = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, 60)
    assert fetch(get) == (200, b"by url")
    assert fetch(get[:-1] + ("0" if get[-1] != "0" else "1"))[0] == 403


@case("presigned-expired")
def _():
    import time
    get = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "empty"}, 1)
    time.sleep(2.1)
    assert fetch(get)[0] == 403


@case("checksum-is-kept")
def _():
    s3.put_object(Bucket=bucket, Key="sum", Body=b"123456789", ChecksumAlgorithm="CRC32")
    got = s3.get_object(Bucket=bucket, Key="sum", ChecksumMode="ENABLED")
    assert got.get("ChecksumCRC32") == "y/Q5Jg==", got.get("ChecksumCRC32")


@case("checksum-is-checked")
def _():
    import base64, hashlib
    code = refusal(lambda: s3.put_object(Bucket=bucket, Key="wrong", Body=b"1", ChecksumSHA256=base64.b64encode(hashlib.sha256(b"2").digest()).decode()))
    assert code in ("BadDigest", "InvalidRequest", "XAmzContentChecksumMismatch"), code
