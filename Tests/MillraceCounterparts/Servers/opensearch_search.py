"""A search's body from query to hits: order, pages, hybrid queries with their pipelines, highlights. Unknown members are errors."""
import re

from opensearch_analysis import float32
from opensearch_query import Refused, compile_query, single, take


def known(body, where, *names):
    for name in body:
        if name not in names:
            raise Refused("parsing_exception", f"Unknown key for a VALUE in [{name}] ({where}).", line=1, col=1)


def search(index, body, pipelines, pipeline_name=None):
    known(body, "search", "query", "from", "size", "sort", "track_total_hits", "track_scores", "_source", "highlight", "search_pipeline",
          "search_after")
    view = index.view
    start, size = body.get("from", 0), body.get("size", 10)
    if start + size > index.window:
        raise Refused("illegal_argument_exception", "Result window is too large, from + size must be less than or equal to: "
                      f"[{index.window}] but was [{start + size}]", shard=True)
    pipeline = body.get("search_pipeline")
    if pipeline_name is not None:
        if pipeline_name not in pipelines:
            raise Refused("illegal_argument_exception", f"Pipeline {pipeline_name} is not defined")
        pipeline = pipelines[pipeline_name]
    query = body.get("query", {"match_all": {}})
    if next(iter(query), "") == "hybrid":
        hits, total, marks = hybrid(view, query["hybrid"], body, checked_pipeline(pipeline), index.window)
        hits = hits[start:start + size]
    else:
        compiled = compile_query(query, view, top=True)
        marks = compiled.marks
        scored = [(identifier, compiled.score(identifier)) for identifier in view.documents]
        scored = [(identifier, float32(score)) for identifier, score in scored if score is not None]
        total = len(scored)
        hits = ordered(view, scored, body)[start:start + size]
    if body.get("track_total_hits") is not True and total > 10000:
        total = 10000
    marks = highlight_marks(body.get("highlight"), marks, view)
    found = []
    for identifier, score, sort in hits:
        hit = {"_index": index.name, "_id": identifier, "_score": score}
        source = filtered_source(view.documents[identifier].source, body.get("_source", True))
        if source is not None:
            hit["_source"] = source
        if sort is not None:
            hit["sort"] = sort
        passages = highlighted(view, identifier, body.get("highlight"), marks)
        if passages:
            hit["highlight"] = passages
        found.append(hit)
    return {"took": 1, "timed_out": False, "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
            "hits": {"total": {"value": total, "relation": "eq"}, "max_score": max((hit["_score"] or 0 for hit in found), default=None),
                     "hits": found}}


# Order

def ordered(view, scored, body):
    keys = []
    for part in body.get("sort", []):
        name, direction = (part, "desc" if part == "_score" else "asc") if isinstance(part, str) else single(part, "sort")
        if isinstance(direction, dict):
            direction, = take(direction, "sort", required=("order",))
        if direction not in ("asc", "desc"):
            raise Refused("parsing_exception", f"unknown sort order [{direction}]")
        if name != "_score":
            view.field(name, "keyword", "long", "double")
        keys.append((name, direction))
    after = body.get("search_after")
    if not keys:
        if after:
            raise Refused("illegal_argument_exception", "Sort must contain at least one field.")
        # Equal scores in no order that anybody could rely on.
        return [(identifier, score, None) for identifier, score in sorted(reversed(scored), key=lambda pair: -pair[1])]
    keeps_scores = body.get("track_scores") or any(name == "_score" for name, _ in keys)

    def values(identifier, score):
        return [score if name == "_score" else next(iter(sorted(view.documents[identifier].values(name))), None) for name, _ in keys]

    class Place:
        def __init__(self, parts):
            self.parts = parts

        def __lt__(self, other):
            for own, others, (_, direction) in zip(self.parts, other.parts, keys):
                own, others = (part.encode() if isinstance(part, str) else part for part in (own, others))
                if own != others:
                    return own < others if direction == "asc" else own > others
            return False
    rows = sorted(((Place(values(*pair)), pair) for pair in reversed(scored)), key=lambda row: row[0])
    if after:
        rows = [row for row in rows if Place(after) < row[0]]
    return [(identifier, score if keeps_scores else None, place.parts) for place, (identifier, score) in rows]


# Hybrid

def checked_pipeline(pipeline):
    """The one processor that decides how lists become one."""
    if not pipeline:
        raise Refused("illegal_argument_exception", "hybrid query without a processor for its results: the fake does not guess")
    known(pipeline, "pipeline", "phase_results_processors", "description")
    processors = pipeline.get("phase_results_processors", [])
    if len(processors) != 1:
        raise Refused("illegal_argument_exception", "one processor is expected")
    name, body = single(processors[0], "processor")
    if name == "normalization-processor":
        normalization, combination = take(body, name, "normalization", "combination")
        technique, = take(normalization or {"technique": "min_max"}, "normalization", "technique")
        other, parameters = take(combination or {"technique": "arithmetic_mean"}, "combination", "technique", "parameters")
        weights, = take(parameters or {}, "parameters", "weights")
        if technique != "min_max" or other != "arithmetic_mean":
            raise Refused("illegal_argument_exception", f"provided technique is not supported: {technique}, {other}")
        if weights is not None and (any(not 0 <= weight <= 1 for weight in weights)):
            raise Refused("illegal_argument_exception", f"all weights must be in range [0.0 ... 1.0], submitted weights: {weights}")
        if weights is not None and abs(sum(weights) - 1) > 0.01:
            raise Refused("illegal_argument_exception",
                          f"sum of weights for combination must be equal to 1.0, submitted weights: {weights}")
        return lambda lists: normalized(lists, weights or [1 / len(lists)] * len(lists))
    if name == "score-ranker-processor":
        combination, = take(body, name, required=("combination",))
        technique, constant = take(combination, "combination", "rank_constant", required=("technique",))
        constant = 60 if constant is None else constant
        if technique != "rrf" or not isinstance(constant, int) or not 1 <= constant <= 10000:
            raise Refused("illegal_argument_exception", "rank constant must be in the interval between 1 and 10000")
        return lambda lists: reciprocal(lists, constant)
    raise Refused("illegal_argument_exception", f"Invalid processor type {name}")


def normalized(lists, weights):
    """min_max and arithmetic_mean, as the neural search plugin does them with floats."""
    if len(lists) != len(weights):
        raise Refused("illegal_argument_exception", f"number of weights [{len(weights)}] must match number of sub-queries [{len(lists)}]")
    combined = {}
    for scores, weight in zip(lists, weights):
        least, greatest = min((s for _, s in scores), default=0), max((s for _, s in scores), default=0)
        for identifier, score in scores:
            own = 1.0 if least == greatest else (score - least) / (greatest - least) or 0.001
            combined[identifier] = combined.get(identifier, 0) + float32(own) * weight
    return {identifier: float32(score / sum(weights)) for identifier, score in combined.items()}


def reciprocal(lists, constant):
    combined = {}
    for scores in lists:
        for rank, (identifier, _) in enumerate(scores, 1):
            combined[identifier] = combined.get(identifier, 0) + 1 / (constant + rank)
    return {identifier: float32(score) for identifier, score in combined.items()}


def hybrid(view, body, request, combine, window):
    queries, depth = take(body, "hybrid", "pagination_depth", required=("queries",))
    if not 1 <= len(queries) <= 5:
        raise Refused("parsing_exception", "Number of sub-queries exceeds maximum supported by [hybrid] query")
    sort = request.get("sort", [])
    if sort and len(sort) > 1 and any(part == "_score" or isinstance(part, dict) and "_score" in part for part in sort):
        raise Refused("illegal_argument_exception", "_score sort criteria cannot be applied with any other criteria. Please select one "
                      "sort criteria out of them.", shard=True)
    if sort:
        raise Refused("illegal_argument_exception", "hybrid with sort: not known to the fake")
    if depth is None and request.get("from", 0) > 0:
        raise Refused("illegal_argument_exception", "pagination_depth param is missing in the search request", shard=True)
    if depth is not None and not 0 < depth <= window:
        raise Refused("query_shard_exception", "pagination_depth should be less than or equal to index.max_result_window setting",
                      shard=True)
    depth = request.get("size", 10) if depth is None else depth
    lists, marks, everything = [], [], set()
    for query in queries:
        compiled = compile_query(query, view)
        marks += compiled.marks
        scored = [(identifier, compiled.score(identifier)) for identifier in view.documents]
        scored = [(identifier, float32(score)) for identifier, score in scored if score is not None]
        everything |= {identifier for identifier, _ in scored}
        lists.append(sorted(scored, key=lambda pair: -pair[1])[:depth])
    combined = combine(lists)
    hits = sorted(reversed(list(combined.items())), key=lambda pair: -pair[1])
    return [(identifier, score, None) for identifier, score in hits], len(everything), marks


# Documents

def filtered_source(source, wanted):
    if wanted is True or wanted is None:
        return source
    if wanted is False:
        return None
    excludes, = take(wanted, "_source", "excludes")
    # What is filtered is put together anew: a name with dots becomes a path.
    return nested({name: value for name, value in source.items() if name not in (excludes or [])})


def nested(value):
    if isinstance(value, list):
        return [nested(part) for part in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for name, part in value.items():
        place, steps = out, name.split(".")
        for step in steps[:-1]:
            place = place.setdefault(step, {})
        place[steps[-1]] = nested(part)
    return out


# Highlights

def highlight_marks(wish, marks, view):
    if wish is None:
        return []
    known(wish, "highlight", "fields", "number_of_fragments", "fragment_size", "pre_tags", "post_tags", "require_field_match",
          "highlight_query")
    for name, body in wish["fields"].items():
        view.field(name, "text")
        known(body, "highlight field")
    if wish.get("require_field_match") is not True:
        raise Refused("illegal_argument_exception", "the fake only highlights fields that were searched")
    return compile_query(wish["highlight_query"], view).marks if "highlight_query" in wish else marks


def highlighted(view, identifier, wish, marks):
    found = {}
    for name in (wish or {}).get("fields", {}):
        own = [terms for field, terms in marks if field == name]
        passages = [passage for text in view.documents[identifier].values(name) for passage in
                    field_passages(view.index.analyzer(name).tokens(text), text, own, wish)]
        if passages:
            found[name] = passages[:wish.get("number_of_fragments", 5)]
    return found


def field_passages(tokens, text, marks, wish):
    by_position = {token.position: token for token in tokens}
    marked = set()
    for terms in marks:
        for token in tokens:
            row = [by_position.get(token.position + place) for place in range(len(terms))]
            if all(part is not None and part.term == term for part, term in zip(row, terms)):
                marked |= {(part.start, part.end) for part in row}
    size = wish.get("fragment_size", 100)
    passages = []
    for start, end in pieces(text, size):
        inside = sorted(place for place in marked if start <= place[0] < end)
        if not inside:
            continue
        out, last = "", start
        for first, past in inside:
            out += text[last:first] + wish.get("pre_tags", ["<em>"])[0] + text[first:past] + wish.get("post_tags", ["</em>"])[0]
            last = past
        passages.append((out + text[last:end]).strip())
    return passages


def pieces(text, size):
    """Sentences put together to about `size` characters; one that is longer is cut between words."""
    ends = [match.end() for match in re.finditer(r"[.!?]+\s+|$", text)]
    start, last = 0, 0
    for end in ends:
        if end - start > size and last > start:
            yield start, last
            start = last
        while end - start > size:
            cut = text.rfind(" ", start + 1, start + size) + 1 or min(start + size, end)
            yield start, cut
            start = cut
        last = end
    if start < len(text):
        yield start, len(text)

