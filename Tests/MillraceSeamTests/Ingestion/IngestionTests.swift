import Millrace
import MillraceBackends
import MillraceCore
import Testing

@Suite struct IngestionTests {
    let search: SQLiteSearchEngine
    let extractor = LineExtractor()

    init() throws { search = try SQLiteSearchEngine(path: ":memory:") }

    static let settings: Ingestion.Settings = {
        var settings = Ingestion.Settings()
        settings.passages.characters = 100
        settings.passages.overlap = 20
        settings.batch = 3
        return settings
    }()

    static func document(_ name: String, _ text: String, metadata: [String: String] = [:]) -> IngestionDocument {
        IngestionDocument(name: name, title: name, metadata: metadata, contentHash: { "\(text.hashValue)" }) { body in
            var bytes: [UInt8]? = Array(text.utf8)
            try await body { bytes.take() }
        }
    }

    static func text(_ word: String, _ count: Int) -> String {
        "# About \(word)\n" + (0..<count).map { "This is the sentence \($0) about \(word).\n" }.joined()
    }

    /// Ingests and gives what was reported, by name.
    func ingest(
        _ documents: [IngestionDocument], into collection: String = "c", under folders: [String] = [], embedder: (any Embedder)? = nil,
        settings: Ingestion.Settings = settings, engine: (any SearchEngine)? = nil
    ) async throws -> [String: IngestionOutcome] {
        let ingestion = Ingestion(search: engine ?? search, extractor: extractor, embedder: embedder, settings: settings)
        var outcomes: [String: IngestionOutcome] = [:]
        let counts = try await ingestion.ingest(documents, into: collection, deletingMissingUnder: folders) { outcomes[$0.name] = $0 }
        #expect(Dictionary(grouping: outcomes.values, by: \.status).mapValues(\.count) == counts)
        return outcomes
    }

    func stored(_ collection: String = "c", dimensions: Int? = nil) async throws -> [SearchDocument] {
        let index = try await search.index(PassageCollection.definition(name: collection, dimensions: dimensions))
        return try await index.search(SearchQuery(limit: 1000, includesVectors: true)).hits.map(\.document)
    }

    private func passages(_ name: String, in collection: String = "c") async throws -> [CollectionPassage] {
        try await stored(collection).compactMap(PassageCollection.passage).filter { $0.documentID == name }.sorted { $0.place < $1.place }
    }

    // MARK: What is written

    @Test func document_isWrittenAsPassages_withTitleMetadataAndPlaces() async throws {
        let text = "intro\n--\n" + Self.text("mills", 5)
        let outcomes = try await ingest([Self.document("a/m.md", text, metadata: ["year": "1712"])])
        let found = try await passages("a/m.md")
        #expect(outcomes["a/m.md"] == IngestionOutcome(name: "a/m.md", status: .indexed, passages: found.count))
        #expect(found.count > 3 && found.map(\.place) == Array(0..<found.count))
        #expect(found[0].text == "intro" && found[0].position == DocumentPosition(page: 1))
        #expect(found[1].text.hasPrefix("About mills\nThis is the sentence 0 about mills."))
        #expect(found[1].position == DocumentPosition(page: 2, section: ["About mills"]))
        for passage in found {
            #expect(passage.title == "About mills" && passage.source == "a/m.md" && passage.mimeType == "text/markdown")
            #expect(passage.metadata == ["year": "1712"])
        }
    }

    @Test func embedder_givesVectors_andATextWithoutMeaningHasNone() async throws {
        _ = try await ingest([Self.document("a", "aae"), Self.document("b", "xyz")], embedder: LetterPlaces(dimensions: nil))
        let documents = try await stored(dimensions: 2)
        #expect(documents.map(\.id) == ["a#0", "b#0"] && documents[0].vector != nil && documents[1].vector == nil)
        // Another embedder's vectors are not to be compared with these.
        await #expect { try await ingest([Self.document("a", "aae")]) } throws: { ($0 as? MillraceError)?.code == .conflict }
    }

    @Test func longDocument_isReadTwice_andHasAllItsPassages() async throws {
        let outcomes = try await ingest([Self.document("long", Self.text("mills", 1500))])
        let found = try await passages("long")
        #expect(found.count > 300 && outcomes["long"]?.passages == found.count)
        #expect(found.map(\.place) == Array(0..<found.count) && found.allSatisfy { $0.title == "About mills" })
        #expect(extractor.reads.withLock { $0 } == 2)
    }

    /// An equals sign and an accent behind it are one character.
    @Test func metadataThatBeginsWithAnAccent_isKept() async throws {
        _ = try await ingest([Self.document("a", "x", metadata: ["place": "\u{301}a=b", "year": "1712"])])
        #expect(try await passages("a").map(\.metadata) == [["place": "\u{301}a=b", "year": "1712"]])
        await #expect { try await ingest([Self.document("a", "x", metadata: ["a=\u{301}": "x"])]) } throws: {
            ($0 as? MillraceError)?.code == .invalidInput
        }
    }

    /// Names are bytes: a folder may have both spellings of one name.
    @Test func namesThatLookAlike_areTwoDocuments() async throws {
        let names = ["m/caf\u{E9}", "m/cafe\u{301}"]
        let ingestion = Ingestion(search: search, extractor: extractor, settings: Self.settings)
        func reported(_ documents: [String], _ status: IngestionOutcome.Status) async throws -> [[UInt8]] {
            var found: [[UInt8]] = []
            _ = try await ingestion.ingest(
                documents.map { Self.document($0, "text \($0.utf8.count)") }, into: "c", deletingMissingUnder: ["m/"]
            ) { outcome in
                if outcome.status == status { found.append(Array(outcome.name.utf8)) }
            }
            return found.sorted { $0.count < $1.count }
        }
        let bytes = names.map { Array($0.utf8) }
        #expect(try await reported(names, .indexed) == bytes)
        #expect(try await stored().count == 2)
        #expect(try await reported(names, .unchanged) == bytes)
        #expect(try await reported([names[1]], .deleted) == [bytes[0]])
        #expect(try await reported(names, .indexed) == [bytes[0]])
        // Each is told of once.
        #expect(try await reported([], .deleted) == bytes)
        #expect(try await stored().isEmpty)
    }

    @Test func longNames_haveIDsOfTheirOwn() async throws {
        let names = ["a", "b"].map { String(repeating: "ü", count: 400) + $0 }
        _ = try await ingest(names.map { Self.document($0, "text of \($0.suffix(1))") })
        let found = try await stored().compactMap(PassageCollection.passage)
        #expect(Set(found.map(\.source)) == Set(names) && Set(found.map(\.documentID)).count == 2)
    }

    // MARK: Again

    @Test func secondRun_changesNothing_andReadsNothing() async throws {
        let documents = [Self.document("a", Self.text("mills", 9)), Self.document("b", "short")]
        _ = try await ingest(documents)
        let (before, reads) = (try await stored(), extractor.reads.withLock { $0 })
        let outcomes = try await ingest(documents)
        #expect(outcomes.values.allSatisfy { $0.status == .unchanged } && outcomes.count == 2)
        #expect(try await stored() == before)
        #expect(extractor.reads.withLock { $0 } == reads)
    }

    @Test func changedDocument_isReplacedWhole() async throws {
        _ = try await ingest([Self.document("a", Self.text("mills", 30)), Self.document("b", Self.text("cats", 4))])
        let outcomes = try await ingest([Self.document("a", Self.text("pumps", 3)), Self.document("b", Self.text("cats", 4))])
        #expect(outcomes["a"]?.status == .indexed && outcomes["b"]?.status == .unchanged)
        let found = try await passages("a")
        #expect(found.count == outcomes["a"]?.passages && found.allSatisfy { !$0.text.contains("mills") && $0.title == "About pumps" })
        _ = try await ingest(
            [Self.document("a", Self.text("pumps", 3)), Self.document("b", Self.text("cats", 4))], into: "fresh")
        #expect(try await stored() == stored("fresh"))
    }

    /// What passages are made by counts as their content does.
    @Test func changedSettingsMetadataOrEmbedder_makePassagesAnew() async throws {
        let text = Self.text("mills", 9)
        func status(_ metadata: [String: String], _ settings: Ingestion.Settings) async throws -> IngestionOutcome.Status? {
            try await ingest([Self.document("a", text, metadata: metadata)], settings: settings)["a"]?.status
        }
        #expect(try await status([:], Self.settings) == .indexed)
        #expect(try await status(["x": "1"], Self.settings) == .indexed)
        #expect(try await status(["x": "1"], Self.settings) == .unchanged)
        var larger = Self.settings
        larger.passages.characters = 400
        #expect(try await status(["x": "1"], larger) == .indexed)
        #expect(try await passages("a").allSatisfy { $0.metadata == ["x": "1"] })
        #expect(try await passages("a").count == 1)
    }

    // MARK: What cannot be ingested

    @Test(arguments: ["document_damaged", "document_encrypted", "extraction_timeout"])
    func documentThatCannotBeRead_failsAlone_andKeepsItsOldPassages(code: String) async throws {
        _ = try await ingest([Self.document("a", Self.text("mills", 9))])
        let before = try await stored()
        let outcomes = try await ingest([
            Self.document("a", Self.text("pumps", 9) + "!\(code)\n"), Self.document("b", "!\(code)\n"), Self.document("c", "fine"),
        ])
        #expect(outcomes["a"] == IngestionOutcome(name: "a", status: .failed, reason: "this document ends badly"))
        #expect(outcomes["b"]?.status == .failed && outcomes["c"]?.status == .indexed)
        #expect(try await stored() == before + stored().filter { $0.id == "c#0" })
    }

    @Test(arguments: ["", "!unsupported_document\n"]) func documentWithoutText_isSkipped_andItsOldPassagesAreGone(text: String) async throws
    {
        _ = try await ingest([Self.document("a", Self.text("mills", 9)), Self.document("b", "x")])
        let outcomes = try await ingest([Self.document("a", text), Self.document("b", "x")])
        #expect(outcomes["a"]?.status == .skipped && outcomes["a"]?.reason?.isEmpty == false)
        #expect(try await stored().map(\.id) == ["b#0"])
    }

    @Test func embedderThatFails_failsTheDocument_andTheNextRunMendsIt() async throws {
        let documents = [Self.document("a", Self.text("mills", 9) + "bad"), Self.document("b", "x")]
        let outcomes = try await ingest(documents, embedder: LetterPlaces(refuses: "bad"))
        #expect(outcomes["a"] == IngestionOutcome(name: "a", status: .failed, reason: "the model fell over"))
        #expect(outcomes["b"]?.status == .indexed)
        #expect(try await stored(dimensions: 2).map(\.id) == ["b#0"], "nothing is left of it")
        #expect(try await ingest(documents, embedder: LetterPlaces())["a"]?.status == .indexed)
    }

    @Test func replacementThatIsRefused_thenPutBack_isWholeAgain() async throws {
        let before = Self.document("a", Self.text("mills", 12))
        _ = try await ingest([before], embedder: LetterPlaces())
        let expected = try await stored(dimensions: 2)
        let after = Self.document("a", Self.text("pumps", 12) + "bad")
        #expect(try await ingest([after], embedder: LetterPlaces(refuses: "bad"))["a"]?.status == .failed)
        #expect(try await stored(dimensions: 2) != expected, "some of it was written")
        #expect(try await ingest([before], embedder: LetterPlaces())["a"]?.status == .indexed)
        #expect(try await stored(dimensions: 2) == expected)
    }

    /// A long document whose bytes are others, or cannot be had, when they are read again.
    @Test(arguments: ["conflict", "system", "document_damaged", "unsupported_document", "none"], [false, true])
    func secondReadingThatFails_failsTheDocumentAlone(code: String, isKnown: Bool) async throws {
        let text = Self.text("mills", 1500)
        let reads = Locked(0)
        let long = IngestionDocument(name: "long", title: "long", contentHash: { "long" }) { body in
            let isFirst = reads.withLock { count in
                count += 1
                return count == 1
            }
            if !isFirst, code == "none" { throw MillraceError(.notFound, "this document ends badly") }
            var bytes: [UInt8]? = Array((isFirst ? text : text + "!\(code)\n").utf8)
            try await body { bytes.take() }
        }
        if isKnown { _ = try await ingest([Self.document("long", Self.text("pumps", 9))]) }
        let outcomes = try await ingest([long, Self.document("b", "x")])
        #expect(outcomes["long"] == IngestionOutcome(name: "long", status: .failed, reason: "this document ends badly"))
        #expect(outcomes["b"]?.status == .indexed && reads.withLock { $0 } == 2)
        if !isKnown { #expect(try await stored().map(\.id) == ["b#0"], "nothing is left of it") }
        // Whole again.
        _ = try await ingest([Self.document("long", Self.text("pumps", 9)), Self.document("b", "x")])
        _ = try await ingest([Self.document("long", Self.text("pumps", 9)), Self.document("b", "x")], into: "fresh")
        #expect(try await stored() == stored("fresh"))
    }

    /// What fails is where the passages go: that is no document's fault, also when it fails while a document is read.
    @Test func engineThatFailsInTheSecondReading_endsTheRun() async throws {
        var one = Self.settings
        one.concurrent = 1
        // Behind the index, what is known, and some batches.
        let killed = KilledEngine(base: search, last: 9, isBehind: false)
        await #expect(throws: KilledEngine.Killed.self) {
            try await ingest([Self.document("long", Self.text("mills", 1500))], settings: one, engine: killed)
        }
    }

    @Test func contentHashThatFails_failsTheDocument() async throws {
        let document = IngestionDocument(
            name: "a", title: "a", contentHash: { throw MillraceError(.system, "it cannot be read") }, read: { _ in })
        #expect(try await ingest([document])["a"]?.reason == "it cannot be read")
    }

    @Test func warnings_areHandedOn() async throws {
        #expect(try await ingest([Self.document("a", "x")])["a"]?.warnings == ["it has no title"])
    }

    @Test(arguments: [
        [document("a", "1"), document("a", "2")], [document("", "x")], [document(String(repeating: "n", count: 8193), "x")],
        [document("a", "x", metadata: ["": "x"])], [document("a", "x", metadata: ["a=b": "x"])],
        [document("a", "x", metadata: ["a": String(repeating: "v", count: 8192)])],
    ]) func namesThatMakeNoSense_areRefusedBeforeAnything(documents: [IngestionDocument]) async throws {
        await #expect { try await ingest(documents) } throws: { ($0 as? MillraceError)?.code == .invalidInput }
        #expect(try await search.names().isEmpty)
    }

    // MARK: Deletes

    @Test func missingDocuments_areDeletedUnderTheirFolderAlone() async throws {
        let names = ["m/a", "m/b", "m/c/d", "m0", "m", "l/a", "m/\u{FFFF}"]
        _ = try await ingest(names.map { Self.document($0, Self.text($0, 5)) })
        let outcomes = try await ingest([Self.document("m/b", Self.text("m/b", 5))], under: ["m/"])
        #expect(outcomes.filter { $0.value.status == .deleted }.keys.sorted() == ["m/a", "m/c/d", "m/\u{FFFF}"])
        #expect(Set(try await stored().compactMap { $0.fields["document"]?.string }) == ["m/b", "m0", "m", "l/a"])
        // Documents that failed are there all the same.
        let failing = try await ingest([Self.document("m/b", "!document_damaged")], under: ["m/"])
        #expect(failing["m/b"]?.status == .failed && failing.count == 1)
        #expect(try await ingest([], under: ["m/"]).values.map(\.status) == [.deleted])
    }

    /// A name whose first letter is but an accent: one character together with the slash before it.
    @Test func nameThatBeginsWithAnAccent_isUnderItsFolder() async throws {
        let (name, other) = ("m/\u{301}a", "m/\u{301}b")
        _ = try await ingest([Self.document(name, "text"), Self.document(other, "text")])
        let outcomes = try await ingest([Self.document(name, "text")], under: ["m/"])
        #expect(outcomes.mapValues(\.status) == [name: .unchanged, other: .deleted])
        #expect(try await stored().map(\.id) == [name + "#0"])
    }

    @Test func longNamesThatAreThere_areKept() async throws {
        let names = ["m/" + String(repeating: "n", count: 500), "m/short"]
        let documents = names.map { Self.document($0, "text") }
        _ = try await ingest(documents)
        #expect(try await ingest(documents, under: ["m/"]).values.map(\.status) == [.unchanged, .unchanged])
        #expect(try await ingest([documents[1]], under: ["m/"])[names[0]]?.status == .deleted)
    }

    @Test func moreDocumentsThanAFilterHolds_areDeleted() async throws {
        let index = try await search.index(PassageCollection.definition(name: "c"))
        func name(_ number: Int) -> String { "f/\(10_000 + number)" }
        for start in stride(from: 0, to: 3500, by: 500) {
            let passages = (start..<start + 500).map {
                CollectionPassage(documentID: name($0), place: 0, text: "x", title: "t", source: name($0))
            }
            _ = try await index.write(passages.map { PassageCollection.document($0, version: "1") })
        }
        let kept = (0..<3500).filter { $0 % 3 == 0 }.map(name)
        let hash = "kept"
        let ingestion = Ingestion(search: search, extractor: extractor, settings: Self.settings)
        let documents = kept.map { name in
            IngestionDocument(name: name, title: "t", contentHash: { throw MillraceError(.system, hash) }, read: { _ in })
        }
        let counts = try await ingestion.ingest(documents, into: "c", deletingMissingUnder: ["f/"])
        #expect(counts == [.failed: kept.count, .deleted: 3500 - kept.count])
        #expect(try await index.count(where: nil) == kept.count)
    }

    @Test func delete_removesByName() async throws {
        _ = try await ingest([Self.document("a", Self.text("mills", 9)), Self.document("b", "x")])
        try await Ingestion(search: search, extractor: extractor).delete(["a", "none"], from: "c")
        #expect(try await stored().map(\.id) == ["b#0"])
    }
}
