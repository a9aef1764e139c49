import Millrace
import MillraceCore

/// The tool `search_documents`: how a search is told to readers, and how a model asks for one.
struct SearchDocumentsTool {
    static let name = "search_documents"
    private static let longestQuery = 1_000

    /// What a model is told of the tool.
    static let definition = ToolDefinition(
        name: name,
        description: "Searches the documents for further sources. Use it when the sources that you have do not answer the question.",
        inputSchema: schema)

    static let schema: JSONValue = [
        "type": "object", "additionalProperties": false, "required": ["queries"],
        "properties": [
            "queries": [
                "type": "array", "items": ["type": "string"],
                "description": "One to three queries of a few words that the documents are likely to use",
            ],
            "question": ["type": "string", "description": "What is to be found, as one whole sentence"],
        ],
    ]

    /// What a call asks for.
    /// - Throws: ``ErrorCode/invalidInput`` that tells the model what is wrong.
    static func plan(_ call: ToolCall, limit: Int) throws(MillraceError) -> SearchPlan {
        guard call.name == name else {
            throw MillraceError(.invalidInput, "there is no tool '\(call.name.prefix(64))'; there is \(name)")
        }
        let queries = (call.arguments["queries"]?.array ?? []).compactMap(\.string).filter { !$0.isEmpty }
        let question = call.arguments["question"]?.string ?? ""
        guard let first = queries.first ?? (question.isEmpty ? nil : question) else {
            throw MillraceError(.invalidInput, "queries must be a list of texts that are not empty")
        }
        guard (queries + [question]).allSatisfy({ $0.unicodeScalars.count <= longestQuery }) else {
            throw MillraceError(.invalidInput, "a query has at most \(longestQuery) characters")
        }
        return SearchPlan(
            keywordQueries: queries.isEmpty ? [first] : Array(queries.prefix(limit)), semanticQuery: question.isEmpty ? first : question)
    }

    /// A search that the handler does of its own accord, as a call.
    static func call(id: String, _ plan: SearchPlan, _ mode: RetrievalRequest.Mode) -> ToolCall {
        ToolCall(
            id: id, name: name,
            arguments: [
                "queries": .array(plan.keywordQueries.map { .string($0) }), "question": .string(plan.semanticQuery),
                "mode": .string(mode.rawValue),
            ])
    }

    /// What a search found, for readers.
    static func result(_ sources: [RetrievedSource]) -> JSONValue {
        .array(
            sources.map { source in
                var members: [String: JSONValue] = [
                    "reference_number": .integer(source.number), "document_id": .string(source.documentID),
                    "title": .string(source.title), "score": .double(source.score),
                    "id": .string(PassageCollection.id(source.documentID, source.passages[0].place)),
                ]
                if let page = source.position.page { members["page"] = .integer(page) }
                if !source.position.section.isEmpty { members["section"] = .string(source.position.section.joined(separator: " › ")) }
                return .object(members)
            })
    }

    /// What a search found, for the model that asked for it.
    static func answer(_ addition: RetrievedSources.Addition) -> String {
        var parts: [String] = []
        if !addition.new.isEmpty { parts.append(RetrievedSources.prompt(for: addition.new)) }
        if !addition.known.isEmpty {
            let numbers = addition.known.map { "\($0)" }.joined(separator: ", ")
            parts.append("Found again, and given to you before: \(numbers)")
        }
        return parts.isEmpty ? "Nothing was found." : parts.joined(separator: "\n\n")
    }
}
