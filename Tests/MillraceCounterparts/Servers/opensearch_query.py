"""OpenSearch's query language as far as the fake knows it. Whatever it does not know is an error, so that it hides no mistake; it also
refuses fields that have no mapping, where OpenSearch finds nothing."""
import math

from opensearch_analysis import FieldStatistics, float32


class Refused(Exception):
    def __init__(self, kind, reason, status=400, shard=False, **more):
        super().__init__(reason)
        self.kind, self.reason, self.status, self.shard, self.more = kind, reason, status, shard, more


def take(body, query, *names, required=()):
    """The known members of an object; others are errors."""
    if not isinstance(body, dict):
        raise Refused("parsing_exception", f"[{query}] query malformed, no start_object after query name")
    for name in body:
        if name not in names and name not in required:
            raise Refused("parsing_exception", f"[{query}] query does not support [{name}]")
    for name in required:
        if name not in body:
            raise Refused("parsing_exception", f"[{query}] requires [{name}]")
    return [body.get(name) for name in required + names]


def single(body, query):
    if not isinstance(body, dict) or len(body) != 1:
        raise Refused("parsing_exception", f"[{query}] query doesn't support multiple fields")
    return next(iter(body.items()))


class View:
    """What searches see of an index: its documents at the last refresh, by id, and each field's statistics."""

    def __init__(self, index, documents):
        self.index, self.documents = index, documents
        self.statistics, self.analyzed = {}, {}
        for name, field in index.fields.items():
            if field["type"] != "text":
                continue
            statistics = self.statistics[name] = FieldStatistics()
            for identifier, document in documents.items():
                texts = document.values(name)
                if texts:
                    # Values of a list lie a hundred positions apart, so that no phrase reaches from one into the next.
                    positions, offset = {}, 0
                    terms = []
                    for text in texts:
                        tokens = index.analyzer(name).tokens(text)
                        for token in tokens:
                            terms.append(token.term)
                            positions.setdefault(token.term, []).append(offset + token.position)
                        offset += 100 + (tokens[-1].position + 1 if tokens else 0)
                    statistics.add(terms)
                    self.analyzed[name, identifier] = positions, len(terms)

    def field(self, name, *types):
        field = self.index.fields.get(name)
        if field is None:
            raise Refused("query_shard_exception", f"No mapping found for [{name}]", shard=True)
        if types and field["type"] not in types:
            raise Refused("query_shard_exception", f"Field [{name}] is of unsupported type [{field['type']}]", shard=True)
        return field


class Compiled:
    """A query: `score(id)` is None where a document does not match. `marks` holds (field, terms in order) to highlight."""

    def __init__(self, score, marks=()):
        self.score, self.marks = score, list(marks)


def constant(test, score=1.0):
    return Compiled(lambda identifier: score if test(identifier) else None)


def compile_query(body, view, top=False):
    name, body = single(body, "query")
    known = QUERIES.get(name)
    if name == "hybrid" and not top:
        raise Refused("illegal_argument_exception", "hybrid query must be a top level query and cannot be wrapped into other queries",
                      shard=True)
    if known is None:
        raise Refused("parsing_exception", f"unknown query [{name}]", line=1, col=1)
    return known(body, view)


# Words

def field_match(view, field, boost, terms, operator, zero_terms):
    if not terms:
        return Compiled(lambda identifier: boost if zero_terms == "all" else None)
    statistics = view.statistics[field]

    def score(identifier):
        positions, length = view.analyzed.get((field, identifier), ({}, 0))
        found = [term for term in terms if term in positions]
        if not found or operator == "and" and len(found) < len(terms):
            return None
        return boost * sum(statistics.score(statistics.idf(term), len(positions[term]), length) for term in found)
    return Compiled(score, [(field, [term]) for term in terms])


def field_phrase(view, field, boost, tokens):
    if not tokens:
        return Compiled(lambda identifier: None)
    statistics = view.statistics[field]
    idf = sum(statistics.idf(token.term) for token in tokens)

    def score(identifier):
        positions, length = view.analyzed.get((field, identifier), ({}, 0))
        starts = set(positions.get(tokens[0].term, ()))
        for token in tokens[1:]:
            distance = token.position - tokens[0].position
            starts &= {position - distance for position in positions.get(token.term, ())}
        return boost * statistics.score(idf, len(starts), length) if starts else None
    return Compiled(score, [(field, [token.term for token in tokens])])


def join(parts, tie):
    def score(identifier):
        scores = [part for part in (part.score(identifier) for part in parts) if part is not None]
        return max(scores) + tie * (sum(scores) - max(scores)) if scores else None
    return Compiled(score, [mark for part in parts for mark in part.marks])


def multi_match(body, view):
    query, fields, kind, operator, tie, zero_terms = take(
        body, "multi_match", "type", "operator", "tie_breaker", "zero_terms_query", required=("query", "fields"))
    kind, operator, zero_terms = kind or "best_fields", (operator or "or").lower(), zero_terms or "none"
    if kind not in ("best_fields", "most_fields", "phrase"):
        raise Refused("parsing_exception", f"failed to parse [multi_match] query type [{kind}]. unknown type.")
    if operator not in ("and", "or") or zero_terms not in ("none", "all") or not isinstance(query, str):
        raise Refused("parsing_exception", "[multi_match] operator, zero_terms_query or query")
    if not fields:
        raise Refused("parsing_exception", "[multi_match] needs fields")
    parts = []
    for field in fields:
        name, _, boost = field.partition("^")
        boost = float(boost or 1)
        if boost < 0:
            raise Refused("illegal_argument_exception", "negative [boost] are not allowed")
        view.field(name, "text")
        tokens = view.index.analyzer(name).tokens(query)
        if kind == "phrase":
            parts.append(field_phrase(view, name, boost, tokens))
        else:
            parts.append(field_match(view, name, boost, [token.term for token in tokens], operator, zero_terms))
    default_tie = 1.0 if kind == "most_fields" else 0.0
    return join(parts, default_tie if tie is None else tie)


def match(body, view):
    field, body = single(body, "match")
    body = body if isinstance(body, dict) else {"query": body}
    query, operator, zero_terms = take(body, "match", "operator", "zero_terms_query", required=("query",))
    return multi_match({"query": query, "fields": [field], "operator": operator, "zero_terms_query": zero_terms}, view)


def match_phrase(body, view):
    field, body = single(body, "match_phrase")
    body = body if isinstance(body, dict) else {"query": body}
    query, = take(body, "match_phrase", required=("query",))
    return multi_match({"query": query, "fields": [field], "type": "phrase"}, view)


def boolean(body, view):
    must, should, must_not, filters, minimum = take(body, "bool", "must", "should", "must_not", "filter", "minimum_should_match")
    must, should, must_not, filters = (
        [compile_query(part, view) for part in (parts if isinstance(parts, list) else [parts] if parts else [])]
        for parts in (must, should, must_not, filters))
    if minimum is None:
        minimum = 1 if should and not must and not filters else 0
    if not isinstance(minimum, int):
        raise Refused("parsing_exception", "[bool] minimum_should_match")

    def score(identifier):
        if any(part.score(identifier) is not None for part in must_not) or any(part.score(identifier) is None for part in filters):
            return None
        required = [part.score(identifier) for part in must]
        if any(part is None for part in required):
            return None
        optional = [part for part in (part.score(identifier) for part in should) if part is not None]
        if len(optional) < minimum:
            return None
        if not must and not should and not must_not and not filters:
            return 1.0
        return sum(required) + sum(optional)
    return Compiled(score, [mark for part in must + should + filters for mark in part.marks])


# Filters

def same(left, right):
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and left == right
    return left == right


def checked(view, name, value):
    field = view.field(name, "keyword", "long", "double", "boolean")
    kind = field["type"]
    if kind == "keyword" and not isinstance(value, str) or kind == "boolean" and not isinstance(value, bool) or (
            kind in ("long", "double") and (isinstance(value, bool) or not isinstance(value, (int, float)))):
        raise Refused("query_shard_exception", f"failed to create query: the value [{value}] for [{name}] of type [{kind}]", shard=True)
    return value


def term(body, view):
    name, body = single(body, "term")
    value, = take(body if isinstance(body, dict) else {"value": body}, "term", required=("value",))
    checked(view, name, value)
    return constant(lambda identifier: any(same(value, other) for other in view.documents[identifier].values(name)))


def terms(body, view):
    name, values = single(body, "terms")
    if not isinstance(values, list):
        raise Refused("parsing_exception", "[terms] query requires an array")
    if len(values) > 65536:
        raise Refused("illegal_argument_exception", "The number of terms has exceeded the allowed maximum of [65536]", shard=True)
    for value in values:
        checked(view, name, value)
    view.field(name)
    return constant(lambda identifier: any(same(value, other) for other in view.documents[identifier].values(name) for value in values))


def range_(body, view):
    name, body = single(body, "range")
    bounds = dict(zip(("gte", "lte", "gt", "lt"), take(body, "range", "gte", "lte", "gt", "lt")))
    tests = {"gte": lambda a, b: a >= b, "lte": lambda a, b: a <= b, "gt": lambda a, b: a > b, "lt": lambda a, b: a < b}
    view.field(name, "keyword", "long", "double")
    bounds = {key: checked(view, name, value) for key, value in bounds.items() if value is not None}

    def comparable(value):
        return value.encode() if isinstance(value, str) else value
    return constant(lambda identifier: any(
        all(tests[key](comparable(value), comparable(bound)) for key, bound in bounds.items())
        for value in view.documents[identifier].values(name)))


def exists(body, view):
    name, = take(body, "exists", required=("field",))
    view.field(name)
    return constant(lambda identifier: bool(view.documents[identifier].values(name)))


def ids(body, view):
    values, = take(body, "ids", required=("values",))
    wanted = set(values)
    return constant(lambda identifier: identifier in wanted)


def match_all(body, view):
    take(body, "match_all")
    return constant(lambda identifier: True)


def match_none(body, view):
    take(body, "match_none")
    return constant(lambda identifier: False)


# Meaning

def cosine(left, right):
    return sum(a * b for a, b in zip(left, right)) / math.sqrt(sum(a * a for a in left)) / math.sqrt(sum(b * b for b in right))


def knn(body, view):
    name, body = single(body, "knn")
    vector, k, filters = take(body, "knn", "filter", required=("vector", "k"))
    field = view.field(name, "knn_vector")
    if not isinstance(k, int) or not 0 < k <= 10000:
        raise Refused("illegal_argument_exception", f"[knn] requires k to be in the range (0, 10000], was {k}")
    if len(vector) != field["dimension"]:
        raise Refused("query_shard_exception",
                      f"failed to create query: Query vector has invalid dimension: {len(vector)}. Dimension should be: {field['dimension']}",
                      shard=True)
    if not any(vector):
        raise Refused("query_shard_exception", "zero vector is not supported when space type is [cosinesimil]", shard=True)
    test = compile_query(filters, view) if filters else None
    found = {}
    for identifier, document in view.documents.items():
        own = document.vector(name)
        if own is not None and (test is None or test.score(identifier) is not None):
            found[identifier] = float32((1 + cosine(vector, own)) / 2)
    nearest = dict(sorted(found.items(), key=lambda pair: -pair[1])[:k])
    return Compiled(nearest.get)


QUERIES = {
    "match": match, "match_phrase": match_phrase, "multi_match": multi_match, "bool": boolean, "term": term, "terms": terms, "range": range_,
    "exists": exists, "ids": ids, "match_all": match_all, "match_none": match_none, "knn": knn,
}
