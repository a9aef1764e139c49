import MillraceCore
import MillraceHTTPClient

/// A server that speaks OpenAI's API: what its models and embedders have in common.
struct OpenAIServer: Sendable {
    let endpoint: ModelEndpoint
    /// The server as people call it: its host.
    let name: String

    init(_ endpoint: ModelEndpoint, headers: [String: String] = [:], organization: String? = nil, project: String? = nil) {
        var endpoint = endpoint
        if let organization { endpoint.headers.set("OpenAI-Organization", organization) }
        if let project { endpoint.headers.set("OpenAI-Project", project) }
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { endpoint.headers.set(name, value) }
        self.endpoint = endpoint
        name = (try? RequestTarget(url: endpoint.url))?.host ?? endpoint.url
    }

    /// Sends a request and lends the response, with errors that name the server.
    /// - Parameter read: its errors pass as they are, except those that the transport's reads throw.
    func call<R>(_ path: String, _ body: JSONValue?, _ read: (any HTTPResponseStream) async throws -> R) async throws -> R {
        do {
            return try await endpoint.call(path, body, explain: { OpenAIProblem.error($0, provider: name) }, read)
        } catch let error as MillraceError {
            throw error.asModelFailure(provider: name)
        }
    }

    /// The JSON of a response.
    /// - Throws: ``ErrorCode/modelError`` for what is no JSON, or JSON that tells of a problem.
    func json(_ response: any HTTPResponseStream, limit: Int) async throws -> JSONValue {
        let bytes = try await response.collect(limit: limit)
        let json: JSONValue
        do throws(MillraceError) { json = try JSONValue(parsing: bytes) } catch {
            let said = OpenAIProblem(text: String(decoding: bytes.prefix(4096), as: UTF8.self)).message
            let quote = said.map { " (\($0.prefix(200)))" } ?? ""
            var failure = MillraceError(
                .modelError, "the model's server \(name) answered with something other than JSON: check the URL\(quote)")
            failure.cause = error.message
            throw failure
        }
        if let problem = OpenAIProblem(json: json) { throw problem.error(provider: name) }
        return json
    }

    /// The ids of the models that the server offers, in its order.
    ///
    /// `GET /models` answers `{"data": [{"id"}]}` at OpenAI, vLLM, llama.cpp, LM Studio and Ollama (below `/v1`), and a bare list at
    /// Together.
    /// - Throws: ``ErrorCode/modelError`` as refused by the server, and for an answer that is no list of models.
    func listModels() async throws -> [String] {
        try await call("/models", nil) { response in
            let answer = try await json(response, limit: 4 << 20)
            guard let models = answer["data"]?.array ?? answer["models"]?.array ?? answer.array else {
                throw MillraceError(
                    .modelError, "the model's server \(name) answered /models with something other than a list of models: check the URL")
            }
            var ids: [String] = []
            var known: Set<String> = []
            for model in models {
                guard let id = model["id"]?.string ?? model["model"]?.string ?? model["name"]?.string, known.insert(id).inserted else {
                    continue
                }
                ids.append(id)
            }
            return ids
        }
    }
}
