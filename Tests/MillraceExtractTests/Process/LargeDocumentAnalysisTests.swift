import FoundationEssentials
import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceTaskHandlers
import Testing

/// `document_analysis` over documents that are far longer than what it may hold, with the real program, each in a process of its own whose peak
/// of memory is looked at.
@Suite(.ownThreads) struct LargeDocumentAnalysisTests {
    /// Above what the process had after a small analysis: less than the text has that is read.
    private static let mostGrowthKilobytes = 8 << 10

    /// Quotes the sentences that are asked for, where a part has them, and waits for nothing.
    private final class NeedleModel: LanguageModel {
        let id = "needle"
        let capabilities = ModelCapabilities.all
        let needles: [String]
        let calls = Locked(0)
        /// What the extractor was doing while the model read.
        let extractor: ProcessDocumentExtractor
        let busy = Locked(0)

        init(_ needles: [String], _ extractor: ProcessDocumentExtractor) {
            self.needles = needles
            self.extractor = extractor
        }

        func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
            calls.withLock { $0 += 1 }
            busy.withLock { $0 += extractor.load.running }
            for document in request.documents {
                for needle in needles where document.text.contains(needle) {
                    try await receive(.text("It says <cite ref=\"\(document.id)\">\(needle)</cite>. "))
                }
            }
            return ModelResponse(stopReason: .endTurn, usage: Usage(), modelID: id)
        }
    }

    @Test func reportOf500Pages_isReadInParts_andCitedByItsPages() async throws {
        guard let folder = try Documents.made() else { return }
        let process = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [path = folder + "/report.pdf" as String] in
            try await Self.analyse(
                path, "application/pdf", parts: 40...400,
                ["Page 1 of the report begins here.", "Page 437 of the report begins here.", "ground 300 bags of barley in that year."]
            ) { citations in
                let found = Set(citations.map { "\($0.page ?? 0): \($0.text)" })
                try Self.require(
                    found.isSuperset(of: ["1: Page 1 of the report begins here.", "437: Page 437 of the report begins here."]), "\(found)")
                // The same words stand on forty pages; each was quoted with one of them.
                try Self.require(citations.allSatisfy { ($0.page ?? 0) >= 1 && ($0.page ?? 0) <= 500 }, "\(found)")
            }
        }
        Self.tell(process)
    }

    /// 10 MB, and 100 MB with `MILLRACE_LARGE_DOCUMENTS=1` (`.ci/long documents`).
    @Test func longText_isReadInParts_inBoundedMemory() async throws {
        let isLarge = getenv("MILLRACE_LARGE_DOCUMENTS") != nil
        let directory = try TemporaryDirectory()
        let path = directory.path + "/long.txt"
        let lines = try Self.write(path, megabytes: isLarge ? 100 : 10)
        let process = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [path = path as String, lines = lines as Int] in
            let middle = lines / 2
            try await Self.analyse(
                path, "text/plain", parts: 90...1300,
                [
                    "Line 1 of the protocol is this one.", "Line \(middle) of the protocol is this one.",
                    "Line \(lines) of the protocol is this one.",
                ]
            ) { citations in
                try Self.require(citations.count == 3, "\(citations)")
            }
        }
        Self.tell(process)
    }

    /// What the process found, or what was wrong.
    private static func tell(_ process: ExitTest.Result?) {
        print(String(decoding: process?.standardOutputContent ?? [], as: UTF8.self))
    }

    /// Writes numbered lines.
    /// - Returns: how many.
    private static func write(_ path: String, megabytes: Int) throws -> Int {
        guard let file = fopen(path, "w") else { throw MillraceError(.system, "\(path): errno \(errno)") }
        defer { fclose(file) }
        var (number, bytes) = (0, 0)
        while bytes < megabytes << 20 {
            number += 1
            let line = "Line \(number) of the protocol is this one.\n" + (number % 20 == 0 ? "\n" : "")
            fputs(line, file)
            bytes += line.utf8.count
        }
        return number
    }

    private static func analyse(
        _ path: String, _ type: String, parts expected: ClosedRange<Int>, _ needles: [String],
        check: @escaping @Sendable ([Citation]) throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let executor = try BlockingExecutor(name: "objects", threads: 2)
        let content = ContentStore(
            store: InMemoryStore(),
            objects: try DirectoryObjectStore(path: directory.path + "/store", executor: executor, durability: .normal))
        let extractor = try ProcessDocumentExtractorTests.extractor {
            $0.concurrent = 1
            $0.limits.processorSeconds = 600
        }
        let model = NeedleModel(needles, extractor)
        var settings = DocumentAnalysisSettings()
        settings.maxDocumentSizeMb = 200
        settings.extractionTimeoutSeconds = 3600
        settings.partCharacters = 100_000
        settings.wholeCharacters = 20_000
        settings.maxParts = 2000
        if type == "application/pdf" { settings.partCharacters = 10_000 }
        let handler = DocumentAnalysisHandler(
            models: try LanguageModelRegistry(default: model), documents: extractor, settings: LiveSettings(settings), content: content,
            spoolDirectory: directory.path)
        @Sendable func run(_ record: ContentRecord) async throws -> RunRecorder {
            let message = Message(
                id: "m", chatID: "c", parentID: nil, role: .user,
                parts: [.text("Which mill?"), .document(Millrace.Attachment(pointer: record.pointer))], createdAt: .now())
            let recorder = RunRecorder()
            try await handler.handle(
                TaskRequest(responseID: "r", requestID: "q", chatID: "c", task: "document_analysis", message: message), recorder.context)
            return recorder
        }
        try await onLoop {
            // What is made once is made.
            let small = try await content.add(.bytes(Array("The mill.\n".utf8)), title: "a.txt", mimeType: "text/plain", principal: .local)
            _ = try await run(small)
            let descriptor = open(path, O_RDONLY)
            let stored = try await content.add(
                .stream(length: nil) {
                    var piece = [UInt8](repeating: 0, count: 256 << 10)
                    let count = read(descriptor, &piece, piece.count)
                    return count > 0 ? Array(piece[..<count]) : nil
                }, title: String(path.split(separator: "/").last ?? ""), mimeType: type, principal: .local)
            close(descriptor)
            let before = try resetPeak()
            let recorder = try await run(stored)
            let growth = try peak() - before
            let facts = recorder.events.last { $0.kind == .metadata }.flatMap {
                if case .metadata(let facts) = $0.body { facts } else { nil }
            }
            let parts = facts?["parts"]?.integer ?? 0
            print("\(stored.length >> 10) KiB in \(parts) parts: the peak of memory grew by \(growth) KiB")
            try require(expected.contains(parts), "\(parts) parts")
            try require(model.calls.withLock { $0 } > parts, "the model was not asked for each part")
            try require(model.busy.withLock { $0 } == 0, "the model was asked while a document was being extracted")
            try check(recorder.events.compactMap { if case .citation(let citation) = $0.body { citation } else { nil } })
            try require(growth < mostGrowthKilobytes || BuildWithSanitizer.isThis, "the peak of memory grew by \(growth) KiB")
            let left = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            try require(left == ["store"], "\(left) is left behind")
        }
    }

    private static func require(_ holds: Bool, _ message: String) throws {
        guard holds else {
            print(message)
            throw MillraceError(.internal, message)
        }
    }

    /// - Returns: the memory that the process has now, in KiB.
    private static func resetPeak() throws -> Int {
        try Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
        return try peak()
    }

    private static func peak() throws -> Int {
        let status = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/status")), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return Int(line?.split(separator: " ").dropFirst().first ?? "") ?? 0
    }
}
