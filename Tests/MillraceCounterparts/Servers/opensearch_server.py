"""A fake of OpenSearch 2.19 with k-NN and hybrid search, in memory, for one shard.

    opensearch_server.py [--port P] [--auth none|basic|es|aoss] [--user U --password P] [--access-key K --secret-key S --region R]
                         [--version V] [--distribution D]

It prints its port and ends with its standard input. It is strict: what it does not know is an error in OpenSearch's own form. Searches
see what was written before the last refresh. `POST /_fake/faults` makes it fail: {"refuse_items": n} refuses the first n items of bulk
requests with 429, {"fail": [{"path": "_search", "status": 503, "times": 1}]} whole requests (status 0 cuts the connection),
{"max_bytes": n} longer bodies with 413, {"conflicts": n} leaves the first n documents that a deletion by query meets as if they had
changed, {"failed_shards": n} says so in the answers to searches; `POST /_fake/refresh` does what the refresh interval does, and
`GET /_fake/requests` lists what came.
"""
import argparse
import fnmatch
import json
import os
import re
import sys
import threading
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import opensearch_access
from opensearch_analysis import Unsupported
from opensearch_index import Index
from opensearch_query import Refused, compile_query, take
from opensearch_search import checked_pipeline, search

SERVERLESS_MISSING = re.compile(r"^/$|/_refresh$|/_delete_by_query$|^/_cluster/")


class Cluster:
    def __init__(self, options):
        self.options, self.lock = options, threading.RLock()
        self.serverless = options.auth == "aoss"
        self.indexes, self.pipelines, self.requests = {}, {}, []
        self.faults = {"refuse_items": 0, "fail": [], "max_bytes": 100 << 20, "conflicts": 0, "failed_shards": 0}

    # Finding indexes

    def find(self, name):
        if name in self.indexes:
            return self.indexes[name]
        for index in self.indexes.values():
            if name in index.aliases:
                return index
        raise Refused("index_not_found_exception", f"no such index [{name}]", 404, index=name, index_uuid="_na_",
                      **{"resource.type": "index_or_alias", "resource.id": name})

    def matching(self, pattern):
        if "*" not in pattern:
            return [self.find(pattern)]
        return [self.indexes[name] for name in sorted(self.indexes) if fnmatch.fnmatchcase(name, pattern)]

    # Routes

    def answer(self, method, path, query, body, headers):
        query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        parts = [urllib.parse.unquote(part) for part in path.split("/")[1:]]
        if self.serverless and SERVERLESS_MISSING.search(path):
            raise Refused("resource_not_found_exception", f"no such API in a collection: {method} {path}", 404)
        action = next((part for part in parts if part.startswith("_")), "")
        route = getattr(self, f"{method.lower()}{action or ('_index' if parts != [''] else '_root')}", None)
        if route is None:
            return 400, {"error": f"no handler found for uri [{path}] and method [{method}]", "status": 400}
        answer = route(parts, query, body)
        if query:
            raise Refused("illegal_argument_exception", f"request [{path}] contains unrecognized parameter: [{next(iter(query))}]")
        return answer if isinstance(answer, tuple) else (200, answer)

    @staticmethod
    def json(body):
        try:
            return json.loads(body or b"{}")
        except ValueError as problem:
            raise Refused("parsing_exception", f"request body is not JSON: {problem}") from None

    def get_root(self, parts, query, body):
        return {"name": "fake", "cluster_name": "fake", "cluster_uuid": "fake", "version": {
            "distribution": self.options.distribution, "number": self.options.version, "build_type": "tar", "lucene_version": "9.12.1"},
            "tagline": "The OpenSearch Project: https://opensearch.org/"}

    def get_cluster(self, parts, query, body):
        return {"cluster_name": "fake", "status": "green", "timed_out": False, "number_of_nodes": 1, "number_of_data_nodes": 1}

    def put_index(self, parts, query, body):
        name, = parts
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,254}", name):
            raise Refused("invalid_index_name_exception", f"Invalid index name [{name}]", index=name, index_uuid="_na_")
        if name in self.indexes:
            found = self.indexes[name]
            raise Refused("resource_already_exists_exception", f"index [{name}/{found.uuid}] already exists", index=name,
                          index_uuid=found.uuid)
        self.indexes[name] = Index(name, self.json(body), self.serverless)
        return {"acknowledged": True, "shards_acknowledged": True, "index": name}

    def head_index(self, parts, query, body):
        return (200 if parts[0] in self.indexes else 404), None

    def delete_index(self, parts, query, body):
        if "*" in parts[0]:
            raise Refused("illegal_argument_exception", "Wildcard expressions or all indices are not allowed")
        found = self.find(parts[0])
        if found.name != parts[0]:
            raise Refused("illegal_argument_exception", f"The provided expression [{parts[0]}] matches an alias, specify the corresponding "
                          "concrete indices instead.")
        del self.indexes[found.name]
        return {"acknowledged": True}

    def get_mapping(self, parts, query, body):
        found = {index.name: {"mappings": index.mappings} for index in self.matching(parts[0])}
        path = query.pop("filter_path", None)
        if path is None:
            return found
        if path != "*.mappings._meta":
            raise Refused("illegal_argument_exception", f"the fake does not know the filter_path {path}")
        return {name: {"mappings": {"_meta": body["mappings"]["_meta"]}} for name, body in found.items() if "_meta" in body["mappings"]}

    def get_cat(self, parts, query, body):
        if parts[1] != "indices" or query.pop("format", None) != "json" or query.pop("h", None) != "index":
            raise Refused("illegal_argument_exception", "the fake lists the names of indexes as JSON only")
        return [{"index": index.name} for index in self.matching(parts[2] if len(parts) > 2 else "*")]

    def post_refresh(self, parts, query, body):
        for index in self.matching(parts[0]):
            index.refresh()
        return {"_shards": {"total": 1, "successful": 1, "failed": 0}}

    def put_search(self, parts, query, body):
        _, kind, name = parts
        if kind != "pipeline":
            raise Refused("illegal_argument_exception", kind)
        pipeline = self.json(body)
        checked_pipeline(pipeline)
        self.pipelines[name] = pipeline
        return {"acknowledged": True}

    def delete_search(self, parts, query, body):
        if self.pipelines.pop(parts[2], None) is None:
            raise Refused("resource_not_found_exception", f"pipeline [{parts[2]}] is missing", 404)
        return {"acknowledged": True}

    def post_search(self, parts, query, body):
        answer = search(self.find(parts[0]), self.json(body), self.pipelines, query.pop("search_pipeline", None))
        answer["_shards"]["failed"] = self.faults["failed_shards"]
        return answer

    def post_count(self, parts, query, body):
        wanted, = take(self.json(body), "count", required=("query",))
        index = self.find(parts[0])
        compiled = compile_query(wanted, index.view)
        return {"count": sum(compiled.score(identifier) is not None for identifier in index.view.documents),
                "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0}}

    def post_mget(self, parts, query, body):
        identifiers, = take(self.json(body), "mget", required=("ids",))
        if not identifiers:
            raise Refused("action_request_validation_exception", "Validation Failed: 1: no documents to get;")
        documents = []
        for identifier in identifiers:
            try:
                found = self.find(parts[0]).live.get(identifier)
            except Refused as refused:
                documents.append({"_index": parts[0], "_id": identifier, "error": error_body(refused)["error"]})
                continue
            documents.append({"_index": parts[0], "_id": identifier, "found": found is not None} | (
                {"_version": found.version, "_source": found.source} if found else {}))
        return {"docs": documents}

    def post_delete_by_query(self, parts, query, body):
        index = self.find(parts[0])
        wanted, = take(self.json(body), "delete_by_query", required=("query",))
        conflicts, refreshes = query.pop("conflicts", "abort"), query.pop("refresh", "false")
        compiled = compile_query(wanted, index.view)
        found = [identifier for identifier in index.view.documents if compiled.score(identifier) is not None]
        moved = [identifier for identifier in found if index.live.get(identifier) is not index.view.documents[identifier]]
        while self.faults["conflicts"] > 0 and len(moved) < len(found):
            self.faults["conflicts"] -= 1
            moved.append(next(identifier for identifier in found if identifier not in moved))
        if moved and conflicts != "proceed":
            cause = {"type": "version_conflict_engine_exception", "reason": f"[{moved[0]}]: version conflict"}
            return 409, {"deleted": 0, "version_conflicts": len(moved), "failures": [{"id": moved[0], "cause": cause, "status": 409}]}
        for identifier in set(found) - set(moved):
            del index.live[identifier]
        if refreshes == "true":
            index.refresh()
        return {"took": 1, "timed_out": False, "total": len(found), "deleted": len(found) - len(moved), "batches": 1,
                "version_conflicts": len(moved), "failures": []}

    def post_bulk(self, parts, query, body):
        if not body.endswith(b"\n"):
            raise Refused("illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]")
        target = parts[0] if parts[0] != "_bulk" else None
        requires_alias, refreshes = query.pop("require_alias", "false") == "true", query.pop("refresh", "false")
        if self.serverless and refreshes != "false":
            raise Refused("illegal_argument_exception", "refresh is not supported in a collection")
        lines = [json.loads(line) for line in body.split(b"\n")[:-1]]
        items, touched = [], set()
        while lines:
            action, meta = next(iter(lines.pop(0).items()))
            index_name, identifier = take(meta, "bulk", "_index", "_id")
            source = lines.pop(0) if action != "delete" else None
            item = {"_index": index_name or target, "_id": identifier or uuid.uuid4().hex}
            try:
                item |= self.change(action, item, source, requires_alias, touched)
            except Refused as refused:
                item |= {"status": refused.status, "error": error_body(refused)["error"]}
                item["error"].pop("root_cause", None)
            items.append({action: item})
        if refreshes == "true":
            for index in touched:
                index.refresh()
        return {"took": 1, "errors": any("error" in next(iter(item.values())) for item in items), "items": items}

    def change(self, action, item, source, requires_alias, touched):
        if action not in ("index", "create", "delete"):
            raise Refused("illegal_argument_exception", f"Malformed action/metadata line, found [{action}]")
        if self.faults["refuse_items"] > 0:
            self.faults["refuse_items"] -= 1
            raise Refused("rejected_execution_exception", "rejected execution of coordinating operation", 429)
        if not 1 <= len(item["_id"].encode()) <= 512:
            raise Refused("action_request_validation_exception", "id is too long, must be no longer than 512 bytes")
        try:
            index = self.find(item["_index"])
        except Refused:
            if action == "delete" or requires_alias:
                raise
            # As a real one does by default.
            index = self.indexes[item["_index"]] = Index(item["_index"], {}, self.serverless)
        if requires_alias and action != "delete" and item["_index"] not in index.aliases:
            raise Refused("index_not_found_exception", f"no such index [{item['_index']}] and [require_alias] request flag is [true] and "
                          f"[{item['_index']}] is not an alias", 404)
        touched.add(index)
        if action == "delete":
            found = index.live.pop(item["_id"], None)
            return {"_index": index.name, "result": "deleted" if found else "not_found", "status": 200 if found else 404}
        if action == "create" and item["_id"] in index.live:
            raise Refused("version_conflict_engine_exception", f"[{item['_id']}]: version conflict, document already exists", 409)
        result = index.put(item["_id"], source)
        return {"_index": index.name, "_version": index.live[item["_id"]].version, "result": result, "_seq_no": index.numbers,
                "_primary_term": 1, "status": 201 if result == "created" else 200}

    # The fake's own

    def post_fake(self, parts, query, body):
        if parts[1] == "refresh":
            for index in self.indexes.values():
                index.refresh()
        else:
            self.faults |= self.json(body)
        return {"acknowledged": True}

    def get_fake(self, parts, query, body):
        return self.requests


def error_body(refused):
    cause = {"type": refused.kind, "reason": refused.reason} | refused.more
    if refused.shard:
        return {"error": {"root_cause": [cause], "type": "search_phase_execution_exception", "reason": "all shards failed",
                          "phase": "query", "grouped": True, "failed_shards": [{"shard": 0, "reason": cause}]}, "status": refused.status}
    return {"error": {"root_cause": [cause]} | cause, "status": refused.status}


def error_of(status, kind, reason):
    return status, error_body(Refused(kind, reason, status))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def handle_request(self):
        cluster = self.server.cluster
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        if path.startswith("/_fake/"):
            with cluster.lock:
                return self.send(*cluster.answer(self.command, path, query, body, self.headers))
        refusal = opensearch_access.refusal(cluster.options, self.command, self.path, self.headers, body)
        if refusal:
            return self.send(*refusal)
        with cluster.lock:
            cluster.requests.append({"method": self.command, "path": path, "query": query, "bytes": len(body)})
            if len(body) > cluster.faults["max_bytes"]:
                return self.send(413, {"Message": f"Request size exceeded {cluster.faults['max_bytes']} bytes"})
            for fault in cluster.faults["fail"]:
                if fault["times"] > 0 and fault["path"] in path:
                    fault["times"] -= 1
                    if not fault["status"]:
                        self.close_connection = True
                        return self.connection.close()
                    return self.send(*error_of(fault["status"], fault.get("type", "fault"), fault.get("reason", "as asked for")))
            try:
                if body and not (self.headers.get("Content-Type") or "").startswith(("application/json", "application/x-ndjson")):
                    raise Refused("media_type_header_exception", "Content-Type header is not supported", 406)
                answer = cluster.answer(self.command, path, query, body, self.headers)
            except Refused as refused:
                answer = refused.status, error_body(refused)
            except Unsupported as unknown:
                answer = error_of(400, "unsupported_by_the_fake", str(unknown))
            except Exception as problem:  # A defect of the fake must not look like anything else.
                answer = error_of(500, "fake_defect", repr(problem))
        self.send(*answer)

    def send(self, status, body):
        text = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--auth", choices=["none", "basic", "es", "aoss"], default="none")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--access-key", default="")
    parser.add_argument("--secret-key", default="")
    parser.add_argument("--region", default="")
    parser.add_argument("--version", default="2.19.1")
    parser.add_argument("--distribution", default="opensearch")
    # Whole suites connect at once; the usual queue of five would reset some of them.
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler)
    server.daemon_threads = True
    server.cluster = Cluster(parser.parse_args())
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if not os.isatty(0) and not os.path.samefile("/dev/stdin", "/dev/null"):
        sys.stdin.read()
    else:
        threading.Event().wait()


if __name__ == "__main__":
    main()
