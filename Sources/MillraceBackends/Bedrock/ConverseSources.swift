import Millrace
import MillraceCore

/// What the blocks of a request are that an answer may cite.
struct ConverseSources: Equatable, Sendable {
    private struct Source: Equatable {
        var id: String
        var title: String?
        var pointer: String?
        /// The name of its document block.
        var name = ""
    }

    private var documents: [Source] = []
    private var searchResults: [Source] = []
    /// The names in lower case.
    private var names: Set<String> = []

    /// How many document blocks there are.
    var documentCount: Int { documents.count }

    /// Adds a document block, in the order in which they stand in the request.
    /// - Returns: the block's name, which no other block has.
    mutating func add(id: String, title: String?, pointer: String? = nil) -> String {
        let name = ConverseAttachment.name(for: title)
        var unique = name
        var number = 2
        while !names.insert(unique.lowercased()).inserted {
            unique = "\(name) (\(number))"
            number += 1
        }
        documents.append(Source(id: id, title: title, pointer: pointer, name: unique))
        return unique
    }

    /// Adds a search result, in the order in which they stand in the request.
    mutating func addSearchResult(id: String, title: String) { searchResults.append(Source(id: id, title: title)) }

    /// A citation of the API's; `nil` for one that names no source.
    ///
    /// A document is found by its name, which is unique, and else by its number among all document blocks, from 0. One beyond the
    /// request's own is in something that the service fetched.
    ///
    /// Source: `Citation` and `CitationLocation`, Amazon Bedrock API Reference.
    func citation(_ json: JSONValue) -> Citation? {
        let text = (json["sourceContent"]?.array ?? []).compactMap { $0["text"]?.string }.joined()
        let title = json["title"]?.string
        let location = json["location"]
        if let web = location?["web"] {
            guard let url = web["url"]?.string ?? web["domain"]?.string else { return nil }
            return Citation(documentID: url, text: text, documentTitle: title ?? web["domain"]?.string, documentPointer: url)
        }
        if let place = location?["searchResultLocation"] {
            let index = place["searchResultIndex"]?.integer
            if let source = index.flatMap({ Self.element($0, of: searchResults) }) { return Self.citation(of: source, text) }
            return json["source"]?.string.map { Citation(documentID: $0, text: text, documentTitle: title, documentPointer: $0) }
        }
        let place = location?["documentPage"] ?? location?["documentChar"] ?? location?["documentChunk"]
        let index = place?["documentIndex"]?.integer
        let named = title.flatMap { title in documents.first { $0.name == title } }
        var citation: Citation
        if let source = named ?? index.flatMap({ Self.element($0, of: documents) }) {
            citation = Self.citation(of: source, text)
        } else if let id = json["source"]?.string ?? index.map({ "document_\($0)" }) {
            citation = Citation(documentID: id, text: text, documentTitle: title)
        } else {
            return nil
        }
        // The first of the pages, from 1.
        citation.page = location?["documentPage"]?["start"]?.integer
        return citation
    }

    private static func element(_ index: Int, of sources: [Source]) -> Source? { sources.indices.contains(index) ? sources[index] : nil }

    private static func citation(of source: Source, _ text: String) -> Citation {
        Citation(documentID: source.id, text: text, documentTitle: source.title, documentPointer: source.pointer)
    }
}
