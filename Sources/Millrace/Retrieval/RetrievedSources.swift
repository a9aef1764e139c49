import MillraceCore

/// The sources of an answer, with the numbers that it refers to them by. A source keeps its number when a further search adds others.
public struct RetrievedSources: Equatable, Sendable {
    /// What a search has added.
    public struct Addition: Equatable, Sendable {
        /// The sources that were not there before.
        public var new: [RetrievedSource] = []
        /// The numbers of those that were, and that it found again.
        public var known: [Int] = []
    }

    /// All sources, in the order of their numbers, from 1.
    public private(set) var all: [RetrievedSource] = []
    /// The number of the source that has a passage.
    private var numbers: [String: Int] = [:]

    /// No sources.
    public init() {}

    /// The sources of a search.
    public init(_ results: RetrievalResults) { add(results) }

    /// Adds what a search has found. Passages that are there already are not added again.
    /// - Parameter characters: how much text may be added, in Unicode scalars; what does not fit is left out, the worst first, and the
    ///   first
    ///   source is cut (default: all).
    /// - Returns: the new sources, and the numbers of those that were found again.
    @discardableResult
    public mutating func add(_ results: RetrievalResults, characters: Int = .max) -> Addition {
        var addition = Addition()
        var room = characters
        for found in results.sources {
            let known = Set(found.passages.compactMap { numbers[Self.id($0)] })
            for number in known.sorted() where !addition.known.contains(number) { addition.known.append(number) }
            let new = found.passages.filter { numbers[Self.id($0)] == nil }.map {
                PassageSelection.Candidate(passage: $0, score: found.score)
            }
            for source in PassageSelection.joined(new) {
                let length = source.text.unicodeScalars.count
                guard room > 0, length <= room || addition.new.isEmpty else { continue }
                var source = source.shortened(to: room)
                room -= min(length, room)
                source.number = all.count + 1
                for passage in source.passages { numbers[Self.id(passage)] = source.number }
                all.append(source)
                addition.new.append(source)
            }
        }
        return addition
    }

    /// The source of that number.
    public func source(_ number: Int) -> RetrievedSource? { all.indices.contains(number - 1) ? all[number - 1] : nil }

    /// The sources as documents of a model request. A document's id is the source's number, by which markers and the model's own citations
    /// name it (``CitationStream``).
    public var documents: [ModelDocument] {
        all.map { source in
            let place = source.place.isEmpty ? "passage \(source.passages[0].place + 1)" : source.place
            return ModelDocument(id: "\(source.number)", title: source.title, text: source.text, place: place)
        }
    }

    /// The documents that the sources are of, each once, for `document` events.
    public var references: [DocumentReference] { Self.references(of: all) }

    /// The documents of some sources, each once.
    public static func references(of sources: [RetrievedSource]) -> [DocumentReference] {
        var seen: Set<String> = []
        return sources.filter { seen.insert($0.documentID).inserted }.map { source in
            DocumentReference(
                documentID: source.documentID, title: source.title, pointer: source.source, mimeType: source.passages[0].mimeType)
        }
    }

    /// The sources as text in a prompt: see ``prompt(for:)``.
    public var prompt: String { Self.prompt(for: all) }

    /// Sources as text in a prompt: elements that carry their number, title and place, with everything in them escaped as XML has it
    /// (Extensible Markup Language 1.0, 2.4), so that a text can neither end its element nor begin another.
    ///
    /// ```
    /// <source ref="1" title="X100 manual" place="page 3">
    /// The battery carries a warranty of 12 months.
    /// </source>
    /// ```
    public static func prompt(for sources: [RetrievedSource]) -> String {
        sources.map { source in
            let attribute = source.place.isEmpty ? "" : " place=\"\(escape(source.place))\""
            return "<source ref=\"\(source.number)\" title=\"\(escape(source.title))\"\(attribute)>\n\(escape(source.text))\n</source>"
        }.joined(separator: "\n")
    }

    private static func id(_ passage: CollectionPassage) -> String { PassageCollection.id(passage.documentID, passage.place) }

    private static func escape(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
            case "\n", "\t": escaped.append(scalar)
            case _ where scalar.value < 0x20: escaped.append(" ")
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
