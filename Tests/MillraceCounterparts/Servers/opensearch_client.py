"""Drives a server with OpenSearch's own Python client through everything that Millrace sends.

    opensearch_client.py URL none|basic|es|aoss [USER PASSWORD | KEY SECRET REGION] [--words URL]

It ends with `proved N` or with the first expectation that does not hold. With --words, a server whose `porter_stem` is compared with ours.
"""
import math
import sys

from opensearchpy import AWSV4SignerAuth, OpenSearch, RequestsHttpConnection, Urllib3AWSV4SignerAuth, Urllib3HttpConnection, helpers
from opensearchpy.exceptions import TransportError

sys.path.insert(0, __file__.rpartition("/")[0])
from opensearch_analysis import Porter  # noqa: E402

proved = 0


def expect(what, found, wanted):
    global proved
    if isinstance(wanted, float) and isinstance(found, float) and abs(found - wanted) < 1e-6 * max(1, abs(wanted)):
        found = wanted
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")
    proved += 1


def expect_error(what, status, kind, call):
    try:
        call()
    except TransportError as error:
        expect(what, (error.status_code, error.error), (status, kind))
    else:
        sys.exit(f"{what}: no error")


def connect(url, auth, arguments):
    if auth in ("es", "aoss"):
        from botocore.credentials import Credentials
        key, secret, region = arguments
        return [OpenSearch([url], http_auth=signer(Credentials(key, secret), region, auth), connection_class=connection, max_retries=0,
                           timeout=60)
                for signer, connection in ((AWSV4SignerAuth, RequestsHttpConnection), (Urllib3AWSV4SignerAuth, Urllib3HttpConnection))]
    return [OpenSearch([url], http_auth=tuple(arguments) or None, connection_class=RequestsHttpConnection, max_retries=0, timeout=60)]


WORDS = """caresses ponies ties caress cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned falling hissing
fizzed failing filing happy sky relational conditional rational valenci hesitanci digitizer conformabli radicalli differentli vileli
analogousli vietnamization predication operator feudalism decisiveness hopefulness callousness formaliti sensitiviti sensibiliti triplicate
formative formalize electriciti electrical hopeful goodness revival allowance inference airliner gyroscopic adjustable defensible irritant
replacement adjustment dependent adoption homologou communism activate angulariti homologous effective bowdlerize probate rate cease controll
roll oed as by yes skies dying generate general generalization oscillators archaeology apology happily university yellow sayings enjoyment
running runs ran tenants terminated leases meetings nationality abilities organization organizations relativity engineering""".split()
STEMS = {"caresses": "caress", "ponies": "poni", "ties": "ti", "feed": "feed", "agreed": "agre", "plastered": "plaster", "motoring": "motor",
         "sing": "sing", "conflated": "conflat", "troubled": "troubl", "hopping": "hop", "falling": "fall", "filing": "file", "happy": "happi",
         "sky": "sky", "relational": "relat", "conditional": "condit", "digitizer": "digit", "hopefulness": "hope", "formaliti": "formal",
         "triplicate": "triplic", "electriciti": "electr", "revival": "reviv", "adjustable": "adjust", "replacement": "replac",
         "adoption": "adopt", "bowdlerize": "bowdler", "probate": "probat", "rate": "rate", "cease": "ceas", "controll": "control",
         "roll": "roll"}
INDEX = {
    "settings": {
        "index": {"knn": True, "number_of_shards": 1, "max_result_window": 20000},
        "analysis": {
            "char_filter": {"letters": {"type": "mapping", "mappings": ["'=>-", "_=>-", "\\u0301=>"]}},
            "filter": {"stops": {"type": "stop", "stopwords": ["the", "and"]}},
            "analyzer": {"english": {"type": "custom", "char_filter": ["letters"], "tokenizer": "standard",
                                     "filter": ["lowercase", "asciifolding", "stops", "porter_stem"]}}}},
    "mappings": {
        "dynamic": False, "_meta": {"made": "here"},
        "properties": {
            "id": {"type": "keyword"}, "text": {"type": "text", "analyzer": "english"}, "tag": {"type": "keyword"},
            "year": {"type": "long", "coerce": False}, "rating": {"type": "double", "coerce": False}, "open": {"type": "boolean"},
            "vector": {"type": "knn_vector", "dimension": 2, "method": {
                "name": "hnsw", "space_type": "cosinesimil", "engine": "lucene", "parameters": {"m": 16, "ef_construction": 128}}}}},
    "aliases": {"mills.documents": {}}}
DOCUMENTS = [
    {"id": "1", "text": "The windmill and the mill's sails", "tag": ["a", "b"], "year": 1800, "rating": 1.5, "open": True, "vector": [1, 0]},
    {"id": "2", "text": "Mills, mills and mills", "tag": "a", "year": 1900, "vector": [0, 2]},
    {"id": "3", "text": "Water café. A watermill stands here, by the river", "tag": "b", "open": False, "vector": [3, 3]},
    {"id": "4", "text": "nothing of the sort", "other": {"": 1}}]


def bm25(frequency, length, idf, average):
    return idf * frequency / (frequency + 1.2 * (1 - 0.75 + 0.75 * length / average))


def hits(answer):
    return [(hit["_id"], hit["_score"]) for hit in answer["hits"]["hits"]]


def indexes_and_documents(client, serverless):
    if not serverless:
        expect("distribution", client.info()["version"]["distribution"], "opensearch")
        expect("health", client.cluster.health()["status"], "green")
    index = {**INDEX}
    if serverless:
        # What a collection of the type "search" takes.
        properties = {name: field for name, field in INDEX["mappings"]["properties"].items() if name != "vector"}
        index = {"settings": {"analysis": INDEX["settings"]["analysis"]}, "mappings": {**INDEX["mappings"], "properties": properties}}
    expect("missing", client.indices.exists(index="mills"), False)
    client.indices.create(index="mills", body=index)
    expect("exists", client.indices.exists(index="mills"), True)
    expect_error("twice", 400, "resource_already_exists_exception", lambda: client.indices.create(index="mills", body=index))
    expect("meta", client.indices.get_mapping(index="mills")["mills"]["mappings"]["_meta"], {"made": "here"})
    expect("metas", client.indices.get_mapping(index="mil*", params={"filter_path": "*.mappings._meta"}),
           {"mills": {"mappings": {"_meta": {"made": "here"}}}})
    expect("names", client.cat.indices(index="m*", format="json", h="index"), [{"index": "mills"}])
    expect_error("no index", 404, "index_not_found_exception", lambda: client.search(index="nowhere", body={}))
    target = {"index": "mills"} if serverless else {"index": "mills.documents", "params": {"require_alias": "true"}}
    done, errors = helpers.bulk(client, [{"_id": one["id"], "_source": one} for one in DOCUMENTS], **target)
    expect("written", (done, errors), (4, []))
    bad = [{"_id": "x", "_source": {"year": "1800"}}, {"_id": "y", "_source": {"tag": "y"}}] + (
        [] if serverless else [{"_id": "z", "_source": {"vector": [1, 2, 3]}}])
    done, errors = helpers.bulk(client, bad, raise_on_error=False, **target)
    kinds = [error["index"]["error"]["type"] for error in errors]
    expect("refused", (done, kinds), (1, ["mapper_parsing_exception"] * (1 if serverless else 2)))
    helpers.bulk(client, [{"_op_type": "delete", "_id": "y"}], **target)
    expect("conflict", helpers.bulk(client, [{"_op_type": "create", "_id": "1", "_source": {}}], raise_on_error=False, **target)[1]
           [0]["create"]["status"], 409)
    if not serverless:
        missing = helpers.bulk(client, [{"_id": "1", "_source": {}}], raise_on_error=False, index="gone.documents",
                               params={"require_alias": "true"})[1][0]["index"]
        expect("no alias", (missing["status"], missing["error"]["type"]), (404, "index_not_found_exception"))
    expect("mget", [(one["_id"], one["found"]) for one in client.mget(index="mills", body={"ids": ["2", "y"]})["docs"]],
           [("2", True), ("y", False)])
    expect("before refresh", client.count(index="mills", body={"query": {"match_all": {}}})["count"], 0)


def words(client):
    def search(query, **more):
        return client.search(index="mills", body={"query": query, **more})
    # Lengths without stop words: windmill mill s sail (4), mills mills mills (3), 9 of the third, nothing of sort (3).
    average, idf = (4 + 3 + 8 + 3) / 4, math.log(1 + (4 - 2 + 0.5) / (2 + 0.5))
    one, two = bm25(1, 4, idf, average), bm25(3, 3, idf, average)
    match = {"multi_match": {"query": "mill", "fields": ["text^2.0"], "type": "most_fields"}}
    found = hits(search(match, sort=[{"_score": "desc"}, {"id": "asc"}], track_total_hits=True))
    expect("order", [identifier for identifier, _ in found], ["2", "1"])
    expect("best", found[0][1], 2 * two)
    expect("other", found[1][1], 2 * one)
    phrase = {"multi_match": {"query": "mill's sail", "fields": ["text"], "type": "phrase", "tie_breaker": 1.0}}
    answer = search(phrase, highlight={"fields": {"text": {}}, "number_of_fragments": 3, "fragment_size": 150, "pre_tags": ["["],
                                       "post_tags": ["]"], "require_field_match": True})
    expect("phrase", answer["hits"]["hits"][0]["highlight"], {"text": ["The windmill and the [mill]'[s] [sails]"]})
    expect("accents", [i for i, _ in hits(search({"match": {"text": "CAFE"}}))], ["3"])
    expect("stop words", hits(search({"match": {"text": "the"}})), [])
    expect("stop words kept", len(hits(search({"match": {"text": {"query": "the", "zero_terms_query": "all"}}}))), 4)
    every = search({"bool": {"must": [match], "should": [{"match_phrase": {"text": "sails"}}], "must_not": [{"ids": {"values": ["2"]}}],
                             "filter": [{"term": {"tag": {"value": "a"}}}]}}, _source={"excludes": ["vector"]})
    expect("boolean", ([i for i, _ in hits(every)], "vector" in every["hits"]["hits"][0]["_source"]), (["1"], False))
    filters = [({"terms": {"tag": ["b", "x"]}}, ["1", "3"]), ({"range": {"year": {"gte": 1800, "lte": 1899}}}, ["1"]),
               ({"exists": {"field": "year"}}, ["1", "2"]), ({"ids": {"values": ["4", "9"]}}, ["4"]), ({"match_none": {}}, []),
               ({"term": {"open": {"value": False}}}, ["3"]), ({"range": {"tag": {"gt": "a"}}}, ["1", "3"]),
               ({"bool": {"must_not": [{"exists": {"field": "tag"}}]}}, ["4"]),
               ({"bool": {"should": [{"term": {"year": 1900}}, {"term": {"rating": 1.5}}], "minimum_should_match": 1}}, ["1", "2"])]
    for query, wanted in filters:
        found = search({"bool": {"filter": [query]}}, sort=[{"id": "asc"}], size=3)
        expect(str(query), [hit["_id"] for hit in found["hits"]["hits"]], wanted)
        expect(str(query), client.count(index="mills", body={"query": query})["count"], len(wanted))
    page = search({"match_all": {}}, sort=[{"id": "asc"}], size=2, search_after=["2"], _source=False)
    expect("page", [(hit["_id"], "_source" in hit, hit["sort"]) for hit in page["hits"]["hits"]], [("3", False, ["3"]), ("4", False, ["4"])])
    expect("from", [hit["_id"] for hit in search({"match_all": {}}, sort=["id"], **{"from": 3})["hits"]["hits"]], ["4"])
    for body, kind in [({"query": {"nope": {}}}, "parsing_exception"), ({"qeury": {}}, "parsing_exception"),
                       ({"query": {"match": {"text": {"qeury": "x"}}}}, "parsing_exception"),
                       ({"size": 20001}, "search_phase_execution_exception")]:
        expect_error(str(body), 400, kind, lambda: client.search(index="mills", body=body))


def meaning(client):
    def search(query, **more):
        return client.search(index="mills", body={"query": query, **more})
    knn = {"knn": {"vector": {"vector": [1, 0], "k": 2}}}
    found = hits(search(knn, sort=[{"_score": "desc"}, {"id": "asc"}]))
    expect("nearest", [identifier for identifier, _ in found], ["1", "3"])
    expect("similar", found[1][1], (1 + math.sqrt(0.5)) / 2)
    expect("filtered", hits(search({"knn": {"vector": {"vector": [1, 0], "k": 2, "filter": {"term": {"tag": {"value": "a"}}}}}})),
           [("1", 1.0), ("2", 0.5)])
    expect_error("dimensions", 400, "search_phase_execution_exception", lambda: search({"knn": {"vector": {"vector": [1], "k": 2}}}))
    hybrid = {"hybrid": {"queries": [{"match": {"text": "mill"}}, knn], "pagination_depth": 10}}
    normalization = {"phase_results_processors": [{"normalization-processor": {
        "normalization": {"technique": "min_max"},
        "combination": {"technique": "arithmetic_mean", "parameters": {"weights": [0.3, 0.7]}}}}]}
    ranks = {"phase_results_processors": [{"score-ranker-processor": {"combination": {"technique": "rrf", "rank_constant": 60}}}]}
    # By words 2 (1.0) and 1 (the least, 0.001); by meaning 1 (1.0) and 3 (the least).
    wanted = {"1": 0.3 * 0.001 + 0.7, "2": 0.3, "3": 0.7 * 0.001}
    client.transport.perform_request("PUT", "/_search/pipeline/mean", body=normalization)
    stored = client.search(index="mills", body={"query": hybrid}, params={"search_pipeline": "mean"})
    for name, answer in (("inline", search(hybrid, search_pipeline=normalization)), ("stored", stored)):
        expect(name, [identifier for identifier, _ in hits(answer)], ["1", "2", "3"])
        for identifier, score in hits(answer):
            expect(name, score, wanted[identifier])
    ranked = dict(hits(search(hybrid, search_pipeline=ranks, _source=False)))
    for identifier, score in {"1": 1 / 62 + 1 / 61, "2": 1 / 61, "3": 1 / 62}.items():
        expect("ranks", ranked[identifier], score)
    client.transport.perform_request("DELETE", "/_search/pipeline/mean")
    broken = {"phase_results_processors": [{"normalization-processor": {"combination": {"parameters": {"weights": [0.5, 0.9]}}}}]}
    for what, body in [("inside", {"query": {"bool": {"must": [hybrid]}}, "search_pipeline": ranks}),
                       ("sorted", {"query": hybrid, "search_pipeline": ranks, "sort": [{"_score": "desc"}, {"id": "asc"}]})]:
        expect_error(what, 400, "search_phase_execution_exception", lambda: client.search(index="mills", body=body))
    expect_error("weights", 400, "illegal_argument_exception",
                 lambda: client.transport.perform_request("PUT", "/_search/pipeline/broken", body=broken))


def deletion(client):
    helpers.bulk(client, [{"_id": "1", "_source": {"id": "1", "tag": "a"}}], index="mills.documents", params={"require_alias": "true"})
    query = {"query": {"term": {"tag": {"value": "a"}}}}
    answer = client.delete_by_query(index="mills", body=query, params={"conflicts": "proceed", "refresh": "true"})
    expect("changed meanwhile", (answer["deleted"], answer["version_conflicts"]), (1, 1))
    client.indices.refresh(index="mills")
    expect("again", client.delete_by_query(index="mills", body=query)["deleted"], 1)
    client.indices.delete(index="mills")
    expect("gone", client.indices.exists(index="mills"), False)


def main():
    arguments = sys.argv[1:]
    compared = arguments[arguments.index("--words") + 1] if "--words" in arguments else None
    arguments = arguments[:arguments.index("--words")] if compared else arguments
    url, auth, *secrets = arguments
    for word, stem in STEMS.items():
        expect(word, Porter.stem(word), stem)
    if compared:
        other = OpenSearch([compared], connection_class=RequestsHttpConnection, timeout=60)
        for word in WORDS:
            tokens = other.indices.analyze(body={"tokenizer": "whitespace", "filter": ["porter_stem"], "text": word})["tokens"]
            expect(word, Porter.stem(word), tokens[0]["token"])
    for client in connect(url, auth, secrets):
        indexes_and_documents(client, auth == "aoss")
        if auth == "aoss":
            expect_error("no refresh", 404, "resource_not_found_exception", lambda: client.indices.refresh(index="mills"))
            client.indices.delete(index="mills")
            continue
        client.indices.refresh(index="mills")
        words(client)
        meaning(client)
        deletion(client)
    if auth != "none":
        wrong = [*secrets]
        wrong[1] += "x"
        try:
            connect(url, auth, wrong)[0].indices.exists(index="mills")
        except TransportError as error:
            expect("wrong secret", error.status_code, 401 if auth == "basic" else 403)
        else:
            sys.exit("a wrong secret is let in")
    print("proved", proved)


if __name__ == "__main__":
    main()
