import Millrace
import MillraceCore

/// Asks a model what to search for.
struct QuestionRephraser {
    private let model: any LanguageModel
    private let limit: Int
    private let wording: RagOssWording

    /// The longest query, in characters; longer ones are no queries.
    private static let longestQuery = 400
    /// What an answer may take, reasoning included.
    private static let maxTokens = 4_000

    /// - Parameter limit: the most keyword queries.
    init(_ model: any LanguageModel, limit: Int, wording: RagOssWording) {
        self.model = model
        self.limit = limit
        self.wording = wording
    }

    /// What to search for.
    /// - Parameter report: told what the call has consumed, also when it fails.
    /// - Throws: ``ErrorCode/modelError`` for an answer that is not as it was asked for; what the model throws.
    func plan(_ conversation: RagOssConversation, report: (Usage) -> Void) async throws -> SearchPlan {
        var request = ModelRequest(
            system: try wording.rephrasing(limit: limit),
            turns: [.init(role: .user, parts: [.text(try wording.rephrasing(of: conversation))])], maxTokens: Self.maxTokens)
        request.allowsRestart = true
        if model.capabilities.contains(.outputSchema) { request.outputSchema = Self.schema }
        var text = ""
        var reported: Usage?
        do {
            let response = try await model.generate(request) { event in
                switch event {
                case .text(let piece): text += piece
                case .usage(let usage): reported = usage
                case .restarted: text = ""
                case .reasoning, .toolCall, .citation, .judged: break
                }
            }
            report(response.usage)
        } catch {
            if let reported { report(reported) }
            throw error
        }
        return try Self.plan(in: text, limit: limit).adding(conversation.plan(limit: 1).keywordQueries[0], limit: limit)
    }

    private static let schema: JSONValue = [
        "title": "search_plan", "type": "object", "additionalProperties": false, "required": ["keyword_queries", "semantic_query"],
        "properties": [
            "keyword_queries": ["type": "array", "items": ["type": "string"]], "semantic_query": ["type": "string"],
        ],
    ]

    /// Reads the answer: an object with exactly these members, in a fence of a code block if need be.
    /// - Throws: ``ErrorCode/modelError`` that says what is wrong.
    static func plan(in answer: String, limit: Int) throws(MillraceError) -> SearchPlan {
        func wrong(_ problem: String) -> MillraceError {
            MillraceError(.modelError, "the model's search queries cannot be read: \(problem)")
        }
        var lines = answer.split(whereSeparator: \.isNewline).map { Substring(trimmed($0)) }.filter { !$0.isEmpty }
        if lines.count > 2, let first = lines.first, first.hasPrefix("```"), lines.last == "```" {
            lines = Array(lines[1..<(lines.count - 1)])
        }
        let json: JSONValue
        do { json = try JSONValue(parsing: lines.joined(separator: "\n")) } catch { throw wrong(error.message) }
        guard let members = json.object, members.count == 2, let list = members["keyword_queries"]?.array,
            let meaning = members["semantic_query"]?.string
        else { throw wrong("they are not an object of keyword_queries and semantic_query") }
        var queries: [String] = []
        for element in list {
            guard let query = element.string else { throw wrong("a keyword query is a \(element.kindName)") }
            let text = trimmed(query[...])
            if !text.isEmpty, !queries.contains(text) { queries.append(text) }
        }
        let semantic = trimmed(meaning[...])
        guard !queries.isEmpty, !semantic.isEmpty else { throw wrong("one of them is empty") }
        guard (queries + [semantic]).allSatisfy({ $0.unicodeScalars.count <= longestQuery }) else { throw wrong("one of them is too long") }
        return SearchPlan(keywordQueries: Array(queries.prefix(limit)), semanticQuery: semantic)
    }

    private static func trimmed(_ text: Substring) -> String {
        var rest = text.drop { $0.isWhitespace }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
