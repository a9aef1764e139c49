import MillraceCore

/// A passage that was found, or several of a document that stand one behind the other, as a source to answer from and to cite.
public struct RetrievedSource: Equatable, Sendable {
    /// A passage and where it begins in the source's text.
    struct Part: Equatable, Sendable {
        var passage: CollectionPassage
        /// In bytes of UTF-8.
        var offset: Int
    }

    /// What the answer refers to it by, from 1.
    public internal(set) var number: Int
    /// Its text: the passages', without what they have twice. Between passages that share no text stands a line with `…`.
    public private(set) var text: String
    /// How well it fits, the best of its passages; comparable within one search.
    public let score: Double
    let parts: [Part]

    /// Its passages, in the order of the document; at least one.
    public var passages: [CollectionPassage] { parts.map(\.passage) }
    /// The document's id.
    public var documentID: String { parts[0].passage.documentID }
    /// The document's title.
    public var title: String { parts[0].passage.title }
    /// Where the document is.
    public var source: String { parts[0].passage.source }
    /// Where the text begins.
    public var position: DocumentPosition { parts[0].passage.position }

    /// Where the text stands, in words: `page 3`, or `page 3 to page 4`; empty where nothing is known.
    public var place: String {
        let (first, last) = (position.description, parts[parts.count - 1].passage.position.description)
        return first == last || last.isEmpty ? first : "\(first) to \(last)"
    }

    /// Passages that share less are taken for ones that happen to share a few letters.
    private static let leastOverlap = 16
    /// The longest that is looked for, in bytes.
    private static let mostOverlap = 8192

    /// - Parameter passages: at least one; all of one document, in its order.
    init(number: Int, passages: [CollectionPassage], score: Double) {
        self.number = number
        self.score = score
        var text = passages[0].text
        var parts = [Part(passage: passages[0], offset: 0)]
        for passage in passages.dropFirst() {
            let search = SubsequenceSearch(Array(passage.text.utf8.prefix(Self.mostOverlap)))
            let shared = search.overlap(withEndOf: text.utf8.suffix(Self.mostOverlap))
            if shared >= Self.leastOverlap {
                parts.append(Part(passage: passage, offset: text.utf8.count - shared))
                text += String(decoding: passage.text.utf8.dropFirst(shared), as: UTF8.self)
            } else {
                text += "\n…\n"
                parts.append(Part(passage: passage, offset: text.utf8.count))
                text += passage.text
            }
        }
        self.text = text
        self.parts = parts
    }

    /// Where a byte of the text stands: of two passages that share it in the later, where the document has come to it.
    func position(at offset: Int) -> DocumentPosition {
        let part = parts.last { $0.offset <= offset } ?? parts[0]
        return PassageCollection.position(in: part.passage, at: offset - part.offset)
    }

    /// The source with no more of its text than that many characters (Unicode scalars).
    func shortened(to characters: Int) -> RetrievedSource {
        guard text.unicodeScalars.count > characters else { return self }
        var copy = self
        copy.text = String(String.UnicodeScalarView(text.unicodeScalars.prefix(characters)))
        return copy
    }
}

/// What a retrieval found.
public struct RetrievalResults: Equatable, Sendable {
    /// The sources, the best first, numbered from 1.
    public var sources: [RetrievedSource]
    /// How they were found in the end.
    public var mode: RetrievalRequest.Mode
    /// Why that is not as it was asked for.
    public var notices: [RetrievalNotice]
    /// Whether the collection holds nothing at all.
    public var isCollectionEmpty: Bool
}

/// Why a retrieval was done otherwise than it was asked for.
public struct RetrievalNotice: Equatable, Sendable {
    /// What happened. An open set.
    public struct Reason: RawRepresentable, Hashable, Sendable {
        /// The reason's name.
        public let rawValue: String
        /// A reason of that name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// No embedder is configured.
        public static let noEmbedder = Reason(rawValue: "no_embedder")
        /// The embedder failed.
        public static let embedderFailed = Reason(rawValue: "embedder_failed")
        /// The collection was ingested without an embedder.
        public static let noVectors = Reason(rawValue: "no_vectors")
        /// The collection was ingested with another embedder.
        public static let otherEmbedder = Reason(rawValue: "other_embedder")
    }
    /// What happened.
    public var reason: Reason
    /// The same as a sentence for people.
    public var message: String
}
