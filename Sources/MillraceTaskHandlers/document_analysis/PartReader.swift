import Millrace
import MillraceCore

/// Has a model pick what matters out of a part of long documents: quotes that stand there word by word, with their places.
struct PartReader: Sendable {
    let model: any LanguageModel
    let kind: AnalysisKind
    let question: String
    /// The conversation that a question is asked in.
    let history: [ModelRequest.Turn]
    let system: String
    let quotes: Int
    let context: RunContext

    /// What was picked of a part.
    struct Picked: Sendable {
        var part: AnalysisPart
        /// The quotes as passages, in the order of the document.
        var quotes: [CollectionPassage]
        /// How many quotes did not stand in the document.
        var dropped = 0
    }

    /// - Throws: what the model throws.
    func read(_ part: AnalysisPart) async throws -> Picked {
        let sources = RetrievedSources(part.passages)
        let citing = CitingLanguageModel(model, sources: sources)
        let instruction =
            model.capabilities.contains(.instructions)
            ? "Pick what matters out of these sources." : kind.query(question, points: quotes)
        let request = ModelRequest(
            system: system, turns: history + [.init(role: .user, parts: [.text(instruction)])], documents: sources.documents)
        var citations: [Citation] = []
        var reported: Usage?
        do {
            let response = try await citing.generate(request) { event in
                switch event {
                case .citation(let citation): citations.append(citation)
                case .usage(let usage): reported = usage
                default: break
                }
            }
            context.report(response.usage)
        } catch {
            if let reported { context.report(reported) }
            throw error
        }
        return Picked(part: part, quotes: Self.passages(citations, of: part, most: quotes), dropped: citing.tally.dropped)
    }

    /// Quotes as passages that can be cited themselves, each once.
    static func passages(_ citations: [Citation], of part: AnalysisPart, most: Int) -> [CollectionPassage] {
        var found: [(order: Int, passage: CollectionPassage)] = []
        var seen: Set<String> = []
        for citation in citations where found.count < most && seen.insert(citation.text).inserted {
            // Where it stands: the same words may stand on several pages.
            let order = part.passages.firstIndex {
                $0.documentID == citation.documentID && $0.position.page == citation.page && $0.text.contains(citation.text)
            }
            guard let first = part.passages.first(where: { $0.documentID == citation.documentID }) else { continue }
            var passage = order.map { part.passages[$0] } ?? first
            if order != nil, let words = passage.text.firstRange(of: citation.text) {
                passage.position = PassageCollection.position(
                    in: passage, at: passage.text.utf8.distance(from: passage.text.startIndex, to: words.lowerBound))
            } else {
                passage.position = DocumentPosition(page: citation.page, section: citation.section.map { [$0] } ?? [])
            }
            passage.sections = []
            passage.text = citation.text
            // Several quotes of a passage are told apart.
            passage.place = part.number << 16 | found.count
            found.append((order ?? 0, passage))
        }
        return found.sorted { ($0.order, $0.passage.place) < ($1.order, $1.passage.place) }.map(\.passage)
    }
}
