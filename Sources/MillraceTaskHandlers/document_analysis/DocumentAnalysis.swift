import Millrace
import MillraceCore

/// One analysis: documents are read, in parts where they are long, and an answer is written from what they say.
struct DocumentAnalysis {
    let request: AnalysisRequest
    let model: any LanguageModel
    let settings: DocumentAnalysisSettings
    let prompts: PromptSet
    let reading: DocumentReading
    /// Holds what does not fit into one call of the model.
    let spool: PartSpool
    let context: RunContext

    /// How often quotes are picked out of quotes before what does not fit is left out.
    private static let mostRounds = 3

    private typealias Group = ThrowingTaskGroup<PartReader.Picked, any Error>

    func run() async throws {
        var parts = AnalysisParts(whole: settings.wholeCharacters, part: settings.partCharacters)
        let titles = try await read(into: &parts)
        for part in parts.finish() { try await keep(part) }
        var progress = Progress(total: spool.count)
        var passages = parts.passages
        if progress.total > 0 {
            // The places for extraction are free: a model that is slow holds up nobody's documents.
            try await pick(&progress) { [spool, context] number in try await context.runBlocking { try spool.part(number) } }
            passages = progress.passages
        }
        for _ in 0..<Self.mostRounds where Self.characters(passages) > settings.wholeCharacters {
            passages = try await pick(from: passages)
        }
        guard !passages.isEmpty else { return try await sayNothingIsThere(titles, progress) }
        passages = try await fit(passages)
        try await answer(from: passages, titles, progress)
    }

    // MARK: Reading

    /// What has become of the parts so far.
    private struct Progress {
        let total: Int
        var running = 0
        /// The quotes of each part, by its number.
        var picked: [Int: [CollectionPassage]] = [:]
        /// How many quotes were left out, since they did not stand in the documents.
        var dropped = 0
        var passages: [CollectionPassage] { picked.sorted { $0.key < $1.key }.flatMap(\.value) }
    }

    /// Reads all documents, as fast as they can be extracted: what does not fit into one call of the model is kept on the disk.
    /// - Returns: the titles of those that could be read.
    private func read(into parts: inout AnalysisParts) async throws -> [String] {
        var titles: [String] = []
        var failure: MillraceError?
        if request.omittedDocuments > 0 {
            let message =
                "\(request.omittedDocuments) older documents of the conversation are left out: \(settings.maxDocuments) are read at most"
            try await context.emit(.status("documents_omitted", message: message))
        }
        for (index, attachment) in request.documents.enumerated() {
            let name = attachment.title ?? attachment.pointer ?? "document \(index + 1)"
            try await context.emit(.status("reading", message: "Reading \(name)"))
            var title: String?
            do {
                let document = try await reading.read(attachment, number: index + 1) { passage in
                    title = passage.title
                    for part in parts.add(passage) { try await keep(part) }
                }
                titles.append(document.title)
                try await context.emit(.document(document))
            } catch let error as MillraceError where DocumentReading.isOfDocument(error) {
                if let title {
                    // What came before the failure is right, and is used.
                    titles.append(title)
                    try await context.emit(
                        .document(DocumentReference(documentID: "doc_\(index + 1)", title: title, pointer: attachment.pointer)))
                    try await context.emit(.status("document_incomplete", message: "\(name) could be read only in part: \(error.message)"))
                } else {
                    failure = error
                    try await context.emit(.status("document_skipped", message: "\(name) is left out: \(error.message)"))
                }
            }
        }
        if titles.isEmpty, let failure {
            let count = request.documents.count
            let what = count == 1 ? "the document cannot be read" : "none of the \(count) documents can be read"
            throw MillraceError(failure.code, "\(what): \(failure.message)")
        }
        return titles
    }

    private func keep(_ part: AnalysisPart) async throws {
        guard spool.count < settings.maxParts else {
            throw MillraceError(
                .limitExceeded,
                "the documents have more than \(settings.maxParts) parts of \(settings.partCharacters) characters: send fewer or shorter ones, or "
                    + "raise documentAnalysisConfig.maxParts")
        }
        try await context.runBlocking { [spool] in try spool.append(part) }
    }

    // MARK: Parts

    /// Has a model read parts, several at once.
    /// - Parameter part: gives a part by its number, from 1.
    private func pick(_ progress: inout Progress, part: (Int) async throws -> AnalysisPart) async throws {
        let reader = try partReader()
        try await withThrowingTaskGroup(of: PartReader.Picked.self) { group in
            for number in 1...progress.total {
                while progress.running >= settings.concurrentParts { try await take(&progress, &group) }
                let part = try await part(number)
                progress.running += 1
                group.addTask { try await reader.read(part) }
            }
            while progress.running > 0 { try await take(&progress, &group) }
        }
    }

    /// Waits for a part and tells what was found in it.
    private func take(_ progress: inout Progress, _ group: inout Group) async throws {
        progress.running -= 1
        guard let picked = try await group.next() else { return }
        progress.dropped += picked.dropped
        progress.picked[picked.part.number] = picked.quotes
        let count = progress.picked.count
        try await context.emit(
            .status("analysing", message: "Part \(count) of \(progress.total): \(picked.part.place)"))
        let quotes = picked.quotes.map { quote -> JSONValue in
            ["document_id": .string(quote.documentID), "text": .string(quote.text), "place": .string(quote.position.description)]
        }
        try await context.emit(
            .metadata([
                "part": .integer(picked.part.number), "parts_done": .integer(count), "parts": .integer(progress.total),
                "quotes": .array(quotes),
            ]).transient())
    }

    private func partReader() throws -> PartReader {
        let variables: [String: JSONValue] = [
            "kind": .string(request.kind.rawValue), "question": .string(request.text), "quotes": .integer(settings.quotesPerPart),
            "citing": .string(CitingLanguageModel.instructions),
        ]
        let system = try prompts.render("part.xml.j2", variables, in: context)
        return PartReader(
            model: model, kind: request.kind, question: request.text, history: history, system: system, quotes: settings.quotesPerPart,
            context: context)
    }

    /// The conversation, for a question, and for a model that would not quote from it.
    private var history: [ModelRequest.Turn] {
        request.kind == .question && model.capabilities.contains(.instructions) ? request.history : []
    }

    /// Picks quotes out of quotes.
    private func pick(from passages: [CollectionPassage]) async throws -> [CollectionPassage] {
        var collected = AnalysisParts(whole: 0, part: settings.partCharacters)
        var parts = passages.flatMap { collected.add($0) }
        parts += collected.finish()
        guard parts.count <= settings.maxParts else { return passages }
        var round = Progress(total: parts.count)
        try await pick(&round) { parts[$0 - 1] }
        return round.passages
    }

    /// As many passages as a model is given at once, of each document the first.
    private func fit(_ passages: [CollectionPassage]) async throws -> [CollectionPassage] {
        guard Self.characters(passages) > settings.wholeCharacters else { return passages }
        let documents = Set(passages.map(\.documentID)).count
        var room: [String: Int] = [:]
        let kept = passages.filter { passage in
            let isFirst = room[passage.documentID] == nil
            let left = room[passage.documentID] ?? settings.wholeCharacters / documents
            room[passage.documentID] = left - passage.text.unicodeScalars.count
            return isFirst || left >= passage.text.unicodeScalars.count
        }
        try await context.emit(
            .status(
                "shortened", message: "\(passages.count - kept.count) of \(passages.count) quotes are left out: there is no room for them"))
        return kept
    }

    private static func characters(_ passages: [CollectionPassage]) -> Int { passages.reduce(0) { $0 + $1.text.unicodeScalars.count } }

    // MARK: The answer

    private func answer(from passages: [CollectionPassage], _ titles: [String], _ progress: Progress) async throws {
        let isShortened = progress.total > 0
        try await context.emit(.status("answering", message: Self.sentence(request.kind, titles.count)))
        var tally = CitingLanguageModel.Tally()
        // A model that only quotes is asked about one document after the other where each is to have its say.
        let isSplit = !model.capabilities.contains(.instructions) && request.kind != .question && titles.count > 1
        let groups = isSplit ? Self.byDocument(passages) : [passages]
        var modelID = model.id
        for (number, group) in groups.enumerated() {
            if isSplit { try await context.emit(.content("\(number > 0 ? "\n\n" : "")## \(group[0].title)\n\n")) }
            let numbered: any LanguageModel = isSplit ? RenumberedLanguageModel(model, citationsBefore: tally.verified) : model
            let citing = CitingLanguageModel(numbered, sources: RetrievedSources(group), citationsBefore: tally.verified)
            let answer = try await context.generate(
                try prompt(RetrievedSources(group), isSplit ? [group[0].title] : titles, isShortened), with: citing)
            tally.verified += citing.tally.verified
            tally.dropped += citing.tally.dropped
            modelID = answer.response?.modelID ?? modelID
        }
        try await context.emit(
            .metadata([
                "kind": .string(request.kind.rawValue), "documents": .integer(titles.count), "parts": .integer(progress.total),
                "sources": .integer(passages.count), "citations": .integer(tally.verified),
                "citations_dropped": .integer(tally.dropped + progress.dropped),
                "model_id": .string(modelID),
            ]))
    }

    private func prompt(_ sources: RetrievedSources, _ titles: [String], _ isShortened: Bool) throws -> ModelRequest {
        let variables: [String: JSONValue] = [
            "kind": .string(request.kind.rawValue), "documents": .array(titles.map { .string($0) }), "isShortened": .bool(isShortened),
            "citing": .string(CitingLanguageModel.instructions),
        ]
        let system = try prompts.render("system.xml.j2", variables, in: context)
        let isInstructed = model.capabilities.contains(.instructions)
        let points = min(12, max(4, sources.all.count))
        let text = isInstructed && !request.text.isEmpty ? request.text : request.kind.query(request.text, points: points)
        return ModelRequest(
            system: system, turns: history + [.init(role: .user, parts: [.text(text)])], documents: sources.documents)
    }

    private static func byDocument(_ passages: [CollectionPassage]) -> [[CollectionPassage]] {
        var groups: [[CollectionPassage]] = []
        for passage in passages {
            if groups.last?.last?.documentID == passage.documentID {
                groups[groups.count - 1].append(passage)
            } else {
                groups.append([passage])
            }
        }
        return groups
    }

    private static func sentence(_ kind: AnalysisKind, _ count: Int) -> String {
        let documents = count == 1 ? "the document" : "\(count) documents"
        return switch kind {
        case .summary: "Summarising \(documents)"
        case .findings: "Collecting the key findings of \(documents)"
        case .risks: "Collecting the risks in \(documents)"
        case .comparison: "Comparing \(documents)"
        case .question: "Looking for the answer in \(documents)"
        }
    }

    /// There are documents, and nothing in them to go on.
    private func sayNothingIsThere(_ titles: [String], _ progress: Progress) async throws {
        let what = titles.count == 1 ? "The document" : "The documents"
        let text =
            progress.total == 0
            ? "\(what) \(titles.count == 1 ? "has" : "have") no text that can be read: the pages may be pictures."
            : progress.dropped == 0
                ? "\(what) \(titles.count == 1 ? "does" : "do") not say anything about that."
                : "I could not pick anything out of \(titles.count == 1 ? "the document" : "the documents"): none of the \(progress.dropped) quotes that the "
                    + "model gave stands there."
        try await context.emit(.content(text))
        try await context.emit(
            .metadata([
                "kind": .string(request.kind.rawValue), "documents": .integer(titles.count), "parts": .integer(progress.total),
                "sources": 0,
                "citations": 0, "citations_dropped": .integer(progress.dropped), "model_id": .string(model.id),
            ]))
    }
}
