"""An index of the fake: settings, mappings, documents, and what searches see of them."""
import uuid

from opensearch_analysis import Analyzer, Unsupported, analyzers, lower
from opensearch_query import Refused, View, take


class Document:
    def __init__(self, source, version, number):
        self.source, self.version, self.number = source, version, number

    def values(self, path):
        value = self.source
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return [part for part in (value if isinstance(value, list) else [value]) if part is not None]

    def vector(self, name):
        return self.source.get(name)


class Index:
    def __init__(self, name, body, serverless):
        self.name, self.uuid, self.body = name, uuid.uuid4().hex[:22], body
        settings, mappings, aliases = take(body, "create index", "settings", "mappings", "aliases")
        self.aliases = dict(aliases or {})
        self.mappings = mappings or {}
        settings = dict(settings or {})
        general = dict(settings.pop("index", {}))
        analysis = settings.pop("analysis", {})
        if settings:
            raise Refused("illegal_argument_exception", f"unknown setting [index.{next(iter(settings))}]")
        self.window = general.pop("max_result_window", 10000)
        self.knn = general.pop("knn", False)
        for name in ("number_of_shards", "number_of_replicas", "highlight.max_analyzed_offset"):
            if general.pop(name, None) is not None and serverless and name.startswith("number"):
                raise Refused("illegal_argument_exception", f"unknown setting [index.{name}]")
        if general:
            raise Refused("illegal_argument_exception", f"unknown setting [index.{next(iter(general))}]")
        try:
            self.analyzers = analyzers(analysis)
        except Unsupported as unknown:
            raise Refused("illegal_argument_exception", str(unknown)) from None
        self.analyzers.setdefault("standard", Analyzer([], [lower]))
        self.fields = {}
        dynamic, _, properties = take(self.mappings, "mappings", "dynamic", "_meta", "properties")
        if self.mappings and dynamic is not False:
            raise Refused("mapper_parsing_exception", "the fake guesses no mappings: dynamic must be false")
        self.map(properties or {}, "", serverless)
        self.live, self.numbers = {}, 0
        self.refresh()

    def map(self, properties, path, serverless):
        for name, body in properties.items():
            body, name = dict(body), path + name
            if "properties" in body:
                dynamic, properties = take(body, "object", "dynamic", "properties")
                self.map(properties, name + ".", serverless)
                continue
            kind = body.pop("type", None)
            allowed = {"text": {"analyzer"}, "keyword": set(), "long": {"coerce"}, "double": {"coerce"}, "boolean": set(),
                       "knn_vector": {"dimension", "method"}}.get(kind)
            if allowed is None:
                raise Refused("mapper_parsing_exception", f"No handler for type [{kind}] declared on field [{name}]")
            if set(body) - allowed:
                raise Refused("mapper_parsing_exception", f"unknown parameter {sorted(set(body) - allowed)} on mapper [{name}] of type [{kind}]")
            if kind == "text" and body.get("analyzer", "standard") not in self.analyzers:
                raise Refused("mapper_parsing_exception", f"analyzer [{body['analyzer']}] has not been configured in mappings")
            if kind == "knn_vector":
                if serverless:
                    raise Refused("mapper_parsing_exception", "Field type knn_vector is not supported in a collection of type SEARCH")
                if not self.knn or not 1 <= body.get("dimension", 0) <= 16000:
                    raise Refused("mapper_parsing_exception", "Dimension value or index.knn is missing")
                method, parameters, space, engine = take(body["method"], "method", "name", "parameters", "space_type", "engine")
                if (method, space) != ("hnsw", "cosinesimil") or engine not in ("lucene", "faiss"):
                    raise Refused("mapper_parsing_exception", "Invalid method")
                take(parameters or {}, "parameters", "m", "ef_construction")
            self.fields[name] = dict(body, type=kind)

    def analyzer(self, name):
        return self.analyzers[self.fields[name].get("analyzer", "standard")]

    def refresh(self):
        self.view = View(self, dict(self.live))

    def check(self, identifier, source):
        document = Document(source, 1, 0)

        def failed(name, kind, why, value):
            reason = (f"failed to parse field [{name}] of type [{kind}] in document with id '{identifier}'. "
                      f"Preview of field's value: '{value}'")
            raise Refused("mapper_parsing_exception", reason, caused_by={"type": "illegal_argument_exception", "reason": why})
        for name, field in self.fields.items():
            kind = field["type"]
            if kind == "knn_vector":
                vector = document.vector(name)
                if vector is None:
                    continue
                if len(vector) != field["dimension"]:
                    failed(name, kind, f"Vector dimension mismatch. Expected: {field['dimension']}, Given: {len(vector)}", vector)
                if not any(vector):
                    failed(name, kind, "zero vector is not supported when space type is [cosinesimil]", vector)
                continue
            for value in document.values(name):
                if kind in ("text", "keyword") and isinstance(value, (dict, list)):
                    failed(name, kind, "Can't get text on a START_OBJECT", value)
                if kind == "keyword" and len(str(value).encode()) > 32766:
                    raise Refused("illegal_argument_exception", f"Document contains at least one immense term in field=\"{name}\"")
                if kind in ("long", "double") and (isinstance(value, bool) or not isinstance(value, (int, float))):
                    failed(name, kind, f"{kind.capitalize()} value passed as String", value)
                if kind == "long" and not (isinstance(value, int) and -2 ** 63 <= value < 2 ** 63):
                    failed(name, kind, f"{value} cannot be converted to Long without data loss", value)
                if kind == "boolean" and not isinstance(value, bool):
                    failed(name, kind, f"Failed to parse value [{value}] as only [true] or [false] are allowed.", value)

    def put(self, identifier, source):
        self.check(identifier, source)
        before = self.live.get(identifier)
        self.numbers += 1
        # In the order of writing: the newest last.
        self.live.pop(identifier, None)
        self.live[identifier] = Document(source, before.version + 1 if before else 1, self.numbers)
        return "updated" if before else "created"
