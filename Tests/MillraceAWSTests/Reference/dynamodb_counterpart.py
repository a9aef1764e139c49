#!/usr/bin/env python3
"""Proves with boto3, DynamoDB's own public client, that a stand-in answers as the tests of our client suppose.

    dynamodb_counterpart.py URL

The last line is "ok", "missing" without boto3, or an error.
"""
import sys
import time

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError
except ImportError:
    print("missing", flush=True)
    sys.exit(0)

db = boto3.client(
    "dynamodb", endpoint_url=sys.argv[1], region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test",
    config=Config(retries={"max_attempts": 1}))
TABLE = "boto3"


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
        return error.response
    raise AssertionError(f"no {code}")


db.create_table(
    TableName=TABLE, BillingMode="PAY_PER_REQUEST",
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "N"}],
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}])
assert db.describe_table(TableName=TABLE)["Table"]["TableStatus"] == "ACTIVE"

# Every kind of value, and numbers of 38 digits.
digits = "12345678901234567890123456789012345678"
item = {
    "id": {"S": "a"}, "at": {"N": "1"}, "n": {"N": digits}, "b": {"B": b"\x00\xff"}, "t": {"BOOL": True}, "z": {"NULL": True},
    "m": {"M": {"x": {"L": [{"S": "é😀"}, {"N": "-0.5"}]}}}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2.5"]}, "bs": {"BS": [b"\x01", b"\x02"]},
}
db.put_item(TableName=TABLE, Item=item)
found = db.get_item(TableName=TABLE, Key={"id": {"S": "a"}, "at": {"N": "1"}}, ConsistentRead=True)["Item"]
assert found["n"]["N"] == digits and found["b"]["B"] == b"\x00\xff" and found["m"] == item["m"], found
assert "Item" not in db.get_item(TableName=TABLE, Key={"id": {"S": "none"}, "at": {"N": "1"}})

# A condition that does not hold, with the item.
response = refused(
    "ConditionalCheckFailedException", db.put_item, TableName=TABLE, Item=item, ConditionExpression="attribute_not_exists(id)",
    ReturnValuesOnConditionCheckFailure="ALL_OLD")
assert response["Item"]["n"]["N"] == digits, response

# Pages by limit, and by a megabyte.
for number in range(2, 12):
    db.put_item(TableName=TABLE, Item={"id": {"S": "a"}, "at": {"N": str(number)}, "big": {"S": "x" * 200_000}})
condition = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "a"}}}
page = db.query(TableName=TABLE, Limit=3, **condition)
assert page["Count"] == 3 and page["LastEvaluatedKey"]["at"] == {"N": "3"}, page["LastEvaluatedKey"]
page = db.query(TableName=TABLE, **condition)
assert 0 < page["Count"] < 11 and page["LastEvaluatedKey"], page["Count"]

# Batches.
answer = db.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": {"id": {"S": "b"}, "at": {"N": str(n)}}}} for n in range(25)]})
assert answer["UnprocessedItems"] == {}
answer = db.batch_get_item(RequestItems={TABLE: {"Keys": [{"id": {"S": "b"}, "at": {"N": str(n)}} for n in range(30)]}})
assert len(answer["Responses"][TABLE]) == 25 and answer["UnprocessedKeys"] == {}

# Transactions.
put = lambda at, **more: {"Put": {"TableName": TABLE, "Item": {"id": {"S": "t"}, "at": {"N": str(at)}}, **more}}
db.transact_write_items(TransactItems=[put(1), put(2)])
response = refused("TransactionCanceledException", db.transact_write_items, TransactItems=[
    put(3), put(1, ConditionExpression="attribute_not_exists(id)", ReturnValuesOnConditionCheckFailure="ALL_OLD")])
reasons = response["CancellationReasons"]
assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"] and reasons[1]["Item"]["at"] == {"N": "1"}, reasons
get = lambda at: {"Get": {"TableName": TABLE, "Key": {"id": {"S": "t"}, "at": {"N": str(at)}}}}
answer = db.transact_get_items(TransactItems=[get(1), get(3), get(2)])["Responses"]
assert [("Item" in one) for one in answer] == [True, False, True], answer

# The time to live.
db.update_time_to_live(TableName=TABLE, TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
assert db.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]["AttributeName"] == "until"
db.delete_table(TableName=TABLE)
refused("ResourceNotFoundException", db.describe_table, TableName=TABLE)
print("ok", flush=True)
