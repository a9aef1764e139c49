import FoundationEssentials
import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceServer
import Testing

@testable import MillraceCLI

/// `millrace ingest` as a program, with the real extractor.
@Suite(.ownThreads) struct IngestCommandTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
        try write("docs/setup.md", "# Setup\n\nPress the green button.\n\n# Care\n\nOil it in May.\n")
        try write("docs/sub/costs.csv", "item,price\nmill,1712\n")
        try write("docs/page.html", "<html><head><title>Prices</title></head><body><h1>Rent</h1><p>Due on the third.</p></body></html>")
        try write("docs/damaged.pdf", "%PDF-1.7\nnothing at all")
        try write("docs/program", "\u{7F}ELF\u{2}\u{1}\u{1}\0")
        try write("docs/.hidden/secret.md", "hidden")
        try write("outside.md", "outside")
        symlink(folder.path + "/outside.md", folder.path + "/docs/link.md")
        symlink(folder.path, folder.path + "/docs/loop")
    }

    private func write(_ name: String, _ text: String) throws {
        let path = "\(folder.path)/\(name)"
        try FileManager.default.createDirectory(atPath: Directories.parent(of: path), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    /// A program, built as the tests are.
    private static func program(_ names: String...) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
        let folders = [
            getenv("MILLRACE_PROGRAMS").map { String(cString: $0) }, Directories.parent(of: own), Counterpart.packageRoot + "/.build/debug",
        ]
        let paths = folders.compactMap(\.self).flatMap { folder in names.map { "\(folder)/\($0)" } }
        return paths.first { access($0, X_OK) == 0 } ?? names[0]
    }

    private struct Run {
        var status: Int32
        var lines: [String]
        var errors: String
    }

    private func ingest(_ arguments: String...) throws -> Run { try ingest(arguments) }

    private func ingest(_ arguments: [String]) throws -> Run {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let (output, errors) = (folder.path + "/output", folder.path + "/errors")
        for (descriptor, path) in [(Int32(1), output), (2, errors)] {
            posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        }
        let place = arguments.contains("--data-dir") ? [] : ["--data-dir", folder.path + "/data"]
        let words = ["/usr/bin/env", "-C", folder.path, Self.program("millrace", "MillraceCLI"), "ingest"] + place + arguments
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        // What a sanitizer was told holds for the command, too.
        let names = ["LD_PRELOAD", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "SWIFT_BACKTRACE"]
        let sanitizer = names.compactMap { name -> String? in getenv(name).map { "\(name)=\(String(cString: $0))" } }
        let variables =
            [
                "MILLRACE_DOCUMENTS_PROGRAM=" + Self.program("millrace-extract", "MillraceExtract"),
                "MILLRACE_DOCUMENTS_SPOOL_DIRECTORY=/tmp",
                "PATH=/usr/bin:/bin", "HOME=/nonexistent",
            ] + sanitizer
        var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for pointer in pointers + environment { free(pointer) } }
        var process = pid_t()
        let error = posix_spawn(&process, words[0], &actions, nil, &pointers, &environment)
        guard error == 0 else { throw MillraceError(.system, "\(words[0]): \(String(cString: strerror(error)))") }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        func text(_ path: String) throws -> String { String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self) }
        return Run(
            status: status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F),
            lines: try text(output).split(separator: "\n").map(String.init),
            errors: try text(errors))
    }

    private func passages(_ collection: String) async throws -> [CollectionPassage] {
        let engine = try SQLiteSearchEngine(path: folder.path + "/data/search.sqlite")
        let index = try await engine.index(PassageCollection.definition(name: collection))
        let found = try await index.search(SearchQuery(limit: 100)).hits.compactMap { PassageCollection.passage($0.document) }
        await engine.close()
        return found
    }

    @Test func folder_isIngested_andWhatFailedIsNamed() async throws {
        let first = try ingest("docs", "--index", "manuals", "--metadata", "year=1712")
        #expect(first.status == 1, "\(first)")
        #expect(first.lines.contains("indexed    docs/setup.md (1 passage)"), "\(first)")
        #expect(first.lines.contains { $0.hasPrefix("failed     docs/damaged.pdf: ") })
        #expect(first.lines.contains { $0.hasPrefix("skipped    docs/program: ") })
        #expect(first.lines.last == "3 indexed, 1 skipped, 1 failed")
        let found = try await passages("manuals")
        #expect(Set(found.map(\.source)) == ["docs/setup.md", "docs/sub/costs.csv", "docs/page.html"], "\(found)")
        let page = try #require(found.first { $0.source == "docs/page.html" })
        #expect(page.title == "Prices" && page.mimeType == "text/html" && page.metadata == ["year": "1712"])
        #expect(page.text == "Rent\nDue on the third.", "\(page.text)")

        // Again; what has changed and what is gone.
        try FileManager.default.removeItem(atPath: folder.path + "/docs/damaged.pdf")
        try FileManager.default.removeItem(atPath: folder.path + "/docs/page.html")
        try write("docs/setup.md", "# Setup\n\nPress the red button.\n")
        let second = try ingest("docs/", "--index", "manuals", "--metadata", "year=1712", "--delete-missing", "--json")
        #expect(second.status == 0, "\(second)")
        let values = try second.lines.map { try JSONValue(parsing: Array($0.utf8)) }
        #expect(values.contains(["name": "docs/page.html", "status": "deleted"]), "\(second)")
        #expect(values.contains(["name": "docs/sub/costs.csv", "status": "unchanged"]))
        #expect(values.last?["summary"]?["indexed"] == 1 && values.last?["summary"]?["is_whole"] == true)
        let left = try await passages("manuals")
        #expect(left.map(\.source) == ["docs/setup.md", "docs/sub/costs.csv"] && left[0].text.contains("red"))
    }

    @Test func language_isThatOfTheCollection() async throws {
        try write("docs/vertrag.md", "Die Verträge der Mieter.\n")
        #expect(try ingest("docs/vertrag.md", "--index", "de", "--language", "german").status == 0)
        let other = try ingest("docs/vertrag.md", "--index", "de", "--language", "dutch")
        #expect(other.status == 2 && other.errors.contains("has the language 'german', not 'dutch'"), "\(other)")
        let engine = try SQLiteSearchEngine(path: folder.path + "/data/search.sqlite")
        #expect(try await engine.definition(of: "de")?.textFields.map(\.analysis) == [.german, .german, .german])
        await engine.close()
    }

    @Test func anotherEmbedder_wantsTheCollectionAnew() async throws {
        #expect(try ingest("docs/setup.md", "docs/page.html", "--index", "manuals").status == 0)
        try write("config.yaml", "search: {embedder: local}\n")
        let refused = try ingest("docs/setup.md", "--index", "manuals")
        #expect(refused.status == 2, "\(refused)")
        #expect(refused.errors.contains("it has no vectors, and search.embedder gives vectors of 384 numbers"), "\(refused)")
        #expect(refused.errors.contains("--fresh"), "\(refused)")
        #expect(try await passages("manuals").count == 2)
        // What cannot be filled again is not emptied.
        mkdir(folder.path + "/empty", 0o700)
        mkdir(folder.path + "/again", 0o700)
        try write("again/setup.md", "# Setup\n")
        for (arguments, message) in [
            (["again/setup.md", "docs/setup.md"], "two documents are called"), (["empty"], "there are no files"),
            (["docs", "--metadata", "x=" + String(repeating: "y", count: 9000)], "8,191 bytes"),
        ] {
            let refused = try ingest(arguments + ["--index", "manuals", "--fresh"])
            #expect(refused.status == 2 && refused.errors.contains(message), "\(refused)")
            #expect(try await passages("manuals").count == 2)
        }
        let kept = try ingest("docs/setup.md", "--index", "manuals", "--fresh")
        #expect(kept.status == 0, "\(kept)")
        let fresh = try ingest("docs/setup.md", "--index", "manuals", "--fresh", "--language", "german")
        #expect(fresh.status == 0 && fresh.lines.contains("indexed    setup.md (1 passage)"), "\(fresh)")
        let engine = try SQLiteSearchEngine(path: folder.path + "/data/search.sqlite")
        let definition = try #require(try await engine.definition(of: "manuals"))
        #expect(definition == PassageCollection.definition(name: "manuals", analysis: .german, dimensions: 384))
        #expect(try await engine.index(definition).count(where: nil) == 1)
        #expect(try await engine.names() == ["manuals"])
        _ = try await engine.index(SearchIndexDefinition(name: "other", textFields: [.init("text")]))
        await engine.close()
        // The language stays.
        #expect(try ingest("docs/setup.md", "--index", "manuals", "--fresh").status == 0)
        let again = try SQLiteSearchEngine(path: folder.path + "/data/search.sqlite")
        #expect(try await again.definition(of: "manuals")?.textFields.map(\.analysis) == [.german, .german, .german])
        await again.close()
        let other = try ingest("docs/setup.md", "--index", "other", "--fresh")
        #expect(other.status == 2 && other.errors.contains("'other' is no collection of documents"), "\(other)")
    }

    @Test func databaseIsInUse_saysWhatToDo() async throws {
        mkdir(folder.path + "/data", 0o700)
        let engine = try SQLiteSearchEngine(path: folder.path + "/data/search.sqlite")
        let run = try ingest("docs", "--index", "manuals")
        #expect(run.status == 2 && run.errors.contains("perhaps by a running server: stop it while you ingest"), "\(run)")
        await engine.close()
    }

    @Test(arguments: [
        (["docs"], "name a collection"), (["--index", "x"], "PATH"), (["nowhere", "--index", "x"], "nowhere: No such file"),
        (["docs", "--index", "X"], "index name"), (["docs", "--index", "x", "--metadata", "year"], "expected name=value"),
        (["docs", "--index", "x", "--language", "latin"], "expected one of standard, english, danish"),
        (["docs", "--index", "x", "--config", "none.yaml"], "none.yaml"), (["docs", "docs", "--index", "x"], "two documents are called"),
        (["docs", "--index", "x", "--data-dir", ":memory:"], "nothing would be kept"),
    ]) func wrongOrders_areStatus2(arguments: [String], message: String) throws {
        let run = try ingest(arguments)
        #expect(run.status == 2 && run.errors.contains(message), "\(run)")
    }

    @Test func namedFileWithoutText_isAFailure() throws {
        let run = try ingest("docs/program", "docs/setup.md", "--index", "x")
        #expect(run.status == 1 && run.lines.last == "1 indexed, 1 skipped", "\(run)")
        #expect(run.lines.contains("indexed    setup.md (1 passage)"))
    }

    // MARK: In this process

    @Test func interruption_endsTheRun_andTheNextOneGoesOn() throws {
        var settings = ServerSettings()
        settings.dataDirectory = folder.path + "/data"
        settings.documents.program = Self.program("millrace-extract", "MillraceExtract")
        settings.documents.spoolDirectory = "/tmp"
        let walk = try FolderWalk([folder.path + "/docs"])
        let order = IngestionAdministration.Order(walk: walk, collection: "x", metadata: [:], deletesMissing: false)
        let administration = IngestionAdministration(settings)
        // The first outcome waits until the interruption has been seen.
        let seen = Monitor(false)
        #expect {
            try administration.run(
                order,
                isInterrupted: {
                    seen.update {
                        $0 = true; return true
                    }; return true
                }
            ) { _ in
                _ = seen.wait { $0 ? true : nil }
            }
        } throws: { ($0 as? MillraceError)?.code == .cancelled }
        #expect(try administration.run(order, isInterrupted: { false }, report: { _ in })[.failed] == 1)
        #expect(try administration.run(order, isInterrupted: { false }, report: { _ in })[.unchanged] == 3)
    }

    /// An equals sign and an accent behind it are one character.
    @Test func metadata_isPartedAtTheFirstEqualsSign() throws {
        let metadata = try IngestCommand.metadata(["a=1=2", "b=", "c=\u{301}x"], path: ["ingest"])
        #expect(metadata == ["a": "1=2", "b": "", "c": "\u{301}x"])
    }

    @Test func walk_isSorted_andLeavesOutLinksAndHiddenFiles() throws {
        let walk = try FolderWalk([folder.path + "/docs", folder.path + "/docs/link.md"])
        #expect(
            walk.files.map(\.name) == [
                "docs/damaged.pdf", "docs/page.html", "docs/program", "docs/setup.md", "docs/sub/costs.csv", "link.md",
            ])
        #expect(walk.files.map(\.isNamed) == [false, false, false, false, false, true])
        #expect(walk.folders == ["docs/"] && walk.problems.isEmpty)
        let name = folder.path.split(separator: "/").last.map(String.init) ?? ""
        #expect(try FolderWalk([folder.path + "/docs/.."]).folders == [name + "/"])
    }

    @Test func nameThatIsNoUTF8_isAProblem() throws {
        let path = Array((folder.path + "/docs/x").utf8).map { CChar(bitPattern: $0) } + [CChar(bitPattern: 0xFF), 0]
        close(open(path, O_WRONLY | O_CREAT, 0o600))
        let walk = try FolderWalk([folder.path + "/docs"])
        #expect(walk.problems.map(\.reason) == ["its name is not UTF-8: rename it"] && walk.files.count == 5)
    }

    @Test func progress_isABarThatMakesWayForLines() {
        var progress = IngestProgress(total: 4, named: ["b"], isJSON: false, showsBar: true, listsAll: false)
        func texts(_ outcome: IngestionOutcome) -> [String] { progress.received(outcome).map(\.text) }
        let bar = { (filled: Int, text: String) in
            "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled) + "] " + text
        }
        #expect(texts(IngestionOutcome(name: "a", status: .indexed, passages: 2)) == [bar(7, "1/4 a")])
        #expect(!progress.hasFailures)
        #expect(
            texts(IngestionOutcome(name: "b", status: .skipped, reason: "it has no text"))
                == ["\r\u{1B}[K", "skipped    b: it has no text\n", bar(15, "2/4 b")])
        #expect(progress.hasFailures)
        #expect(
            texts(IngestionOutcome(name: "c\u{1B}[2J\n", status: .failed, reason: "x"))
                == ["\r\u{1B}[K", "failed     c\u{FFFD}[2J\u{FFFD}: x\n", bar(22, "3/4 c\u{FFFD}[2J\u{FFFD}")])
        #expect(progress.ended(isWhole: true).map(\.text) == ["\r\u{1B}[K", "1 indexed, 1 skipped, 1 failed\n"])
    }
}
