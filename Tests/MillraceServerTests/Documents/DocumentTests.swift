import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceServer

/// `README.md`, `Docs` and the examples say what is so.
@Suite struct DocumentTests {
    private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")

    private static func read(_ path: String) throws -> String {
        String(decoding: try BoundedFile.read("\(root)/\(path)", limit: 1 << 20), as: UTF8.self)
    }

    /// What is in a directory.
    fileprivate static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }

    // MARK: Links

    /// The documents, by their paths in the project.
    private static let documents: [String] = {
        func names(_ folder: String) -> [String] { DocumentTests.names(in: "\(root)/\(folder)") }
        let guides = ["Docs", "Docs/decisions"].flatMap { folder in names(folder).map { "\(folder)/\($0)" } }
        return ["README.md"] + guides.filter { $0.hasSuffix(".md") } + names("examples").map { "examples/\($0)/README.md" }
    }()

    @Test(arguments: DocumentTests.documents) func links_leadSomewhere(_ path: String) throws {
        let folder = path.split(separator: "/").dropLast()
        let document = try Self.read(path)
        for link in document.components(between: "](", and: ")") where !link.hasPrefix("http") {
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            var place = folder.map(String.init)
            for part in parts[0].split(separator: "/").map(String.init) {
                if part == ".." { _ = place.popLast() } else { place.append(part) }
            }
            let target = parts[0].isEmpty ? path : place.joined(separator: "/")
            #expect(access("\(Self.root)/\(target)", R_OK) == 0, "\(path): \(link)")
            guard parts.count == 2, target.hasSuffix(".md") else { continue }
            #expect(Self.anchors(of: try Self.read(target)).contains(parts[1]), "\(path): \(link)")
        }
    }

    /// What GitHub makes of headings.
    private static func anchors(of document: String) -> [String] {
        document.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("#") }.map { heading in
            let text = heading.drop { $0 == "#" || $0 == " " }.lowercased()
            return String(text.filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }.map { $0 == " " ? "-" : $0 })
        }
    }

    @Test func documents_areFound() { #expect(Self.documents.count >= 25 && Self.documents.contains("examples/aws/README.md")) }

    // MARK: Settings

    /// Every YAML block is a configuration without findings.
    @Test(arguments: ["Docs/aws.md", "Docs/backends.md", "Docs/rag.md", "Docs/secrets.md"]) func configuration_isRight(_ path: String)
        throws
    {
        let blocks = try Self.read(path).components(between: "```yaml\n", and: "```")
        #expect(!blocks.isEmpty)
        for block in blocks {
            let report = inspect(yaml: block, environment: ["OPENSEARCH_PASSWORD": "p"])
            #expect(report.problems.isEmpty && report.warnings.isEmpty, "\(report.problems) \(report.warnings)")
        }
    }

    /// Every setting has a row with its default and its range.
    @Test(
        arguments: [
            ("aws.", "Docs/aws.md"), ("documents.", "Docs/documents.md"), ("ingestion.", "Docs/ingestion.md"),
            ("secrets.", "Docs/secrets.md"),
        ]
            + ["objects.", "content.", "search.", "cache."].map { ($0, "Docs/backends.md") })
    func settings_areInTheDocument(_ group: String, _ path: String) throws {
        let rows = try Self.read(path).split(whereSeparator: \.isNewline)
        let settings = SettingTable.all.filter { $0.key?.hasPrefix(group) == true }
        #expect(!settings.isEmpty)
        for setting in settings {
            let row = rows.first { $0.hasPrefix("| `\(setting.name)` |") }
            guard let row else {
                Issue.record("\(setting.name) has no row")
                continue
            }
            for text in Self.texts(of: setting) { #expect(row.contains(text), "\(row): \(text)") }
        }
    }

    /// What a row says of a setting: its default, and what it may be.
    private static func texts(of setting: SettingDescriptor) -> [String] {
        let value = setting.read(ServerSettings())
        switch (setting.kind, value) {
        case (.integer(let range), .integer(let value)?):
            return ["| \(size(value)) |", "\(size(range.lowerBound)) to \(size(range.upperBound))"]
        case (.seconds(let range), .seconds(let value)?):
            return ["| \(size(Int(value))) |", "\(size(Int(range.lowerBound))) to \(size(Int(range.upperBound)))"]
        case (.choice(let names), _): return ["| `\(setting.text(ServerSettings()))` |"] + names.map { "`\($0)`" }
        case (.bool, _): return ["| `\(setting.text(ServerSettings()))` |"]
        case (_, .text(let text)?) where !text.isEmpty: return ["| `\(text)` |"]
        default: return []
        }
    }

    /// A number as the documents write it.
    private static func size(_ value: Int) -> String {
        for (name, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20)] where value != 0 && value & (1 << shift - 1) == 0 {
            return "\(value >> shift) \(name)"
        }
        return "\(value)"
    }

    // MARK: Code

    /// What is shown is what is compiled here.
    @Test(arguments: [
        ("Docs/handlers.md", "NotesHandler.swift", "struct NotesHandler", "\nfunc notesServer"),
        ("Docs/aws.md", "OrdersHandler.swift", "struct OrdersHandler", "\nfunc ordersServer"),
        ("Docs/backends.md", "ObjectCopy.swift", "func copyObjects", nil),
        ("Docs/rag.md", "ManualsHandler.swift", "struct ManualsHandler", "\nfunc manualsServer"),
    ]) func code_isTheOneThatIsCompiled(_ path: String, _ file: String, _ start: String, _ end: String?) throws {
        let source = try Self.read("Tests/MillraceServerTests/Documents/\(file)")
        let first = try #require(source.firstRange(of: start)).lowerBound
        let last = try end.map { try #require(source.firstRange(of: $0)).lowerBound } ?? source.endIndex
        #expect(try Self.read(path).contains(source[first..<last]))
    }

    /// The bodies of the functions that register are shown without their indentation.
    @Test(arguments: [
        ("Docs/handlers.md", "NotesHandler.swift"), ("Docs/aws.md", "OrdersHandler.swift"), ("Docs/rag.md", "ManualsHandler.swift"),
    ])
    func registration_isTheOneThatIsCompiled(_ path: String, _ file: String) throws {
        let source = try Self.read("Tests/MillraceServerTests/Documents/\(file)")
        let lines = source.components(between: "-> Server {\n", and: "    return server").joined().split(whereSeparator: \.isNewline)
        let shown = lines.map { $0.dropFirst(4) }.joined(separator: "\n")
        #expect(lines.count > 3)
        #expect(try Self.read(path).contains(shown))
    }

    @Test func manuals_answerWithVerifiedCitations() async throws {
        let search = try SQLiteSearchEngine(path: ":memory:")
        let index = try await search.index(PassageCollection.definition(name: "manuals"))
        for product in ["x100", "z7"] {
            let passage = CollectionPassage(
                documentID: product, place: 0, text: "The warranty of the \(product) is two years.", title: product,
                position: DocumentPosition(page: 3), source: "\(product).pdf", metadata: ["product": product])
            #expect(try await index.write([PassageCollection.document(passage, version: "1")]).isEmpty)
        }
        try await index.refresh()
        let models = try LanguageModelRegistry(default: LocalLanguageModel())
        let handler = ManualsHandler(retriever: Retriever(search: search, collection: "manuals"), models: models)
        let recorder = RunRecorder()
        let message = Message(
            id: "m_1", chatID: "c_1", parentID: nil, role: .user, parts: [.text("How long is the warranty?")], createdAt: .now())
        let product = ContextItem(type: "product", attachment: nil, fields: ["name": "z7"])
        let request = TaskRequest(
            responseID: "r_1", requestID: "q_1", chatID: "c_1", task: "manuals", message: message, context: [product])
        try await handler.handle(request, recorder.context)
        #expect(
            recorder.events.filter { $0.kind == .citation } == [
                .citation(
                    Citation(
                        documentID: "z7", text: "The warranty of the z7 is two years.", page: 3, citationID: "cit_1", referenceNumber: 1,
                        documentTitle: "z7", documentPointer: "z7.pdf"))
            ])
    }

    /// A server has the handler where it has a search engine, with settings of its configuration.
    @Test func ragOss_isRegistered_orTheLogSaysWhyNot() throws {
        var settings = ServerSettings()
        settings.dataDirectory = ":memory:"
        settings.port = 0
        settings.logLevel = .error
        let server = try manualsServer(settings)
        // Whether documents can be read depends on what lies beside the tests.
        func names(_ server: Server) -> [String] { server.handlers.names.filter { $0 != "document_analysis" } }
        #expect(names(server) == ["chat", "manuals", "rag_oss"] && server.handlers.defaultName == "chat")
        settings.search.kind = .opensearch
        let without = try manualsServer(settings)
        #expect(names(without) == ["chat"])
        let omissions = without.handlers.omissions.filter { $0.name != "document_analysis" }
        #expect(omissions.map(\.name) == ["manuals", "rag_oss"] && omissions.allSatisfy { $0.reason.hasPrefix("search: ") })
        server.stop()
        without.stop()
    }

    @Test func notes_areKeptAndFound_byTheirOwnerAlone() async throws {
        let content = ContentStore(store: InMemoryStore(), objects: InMemoryObjectStore())
        let models = try LanguageModelRegistry(default: LocalLanguageModel())
        let search = try SQLiteSearchEngine(path: ":memory:")
        let handler = NotesHandler(content: content, search: search, models: models)
        func ask(_ text: String, _ pointer: String?, _ principal: Principal) async throws -> String {
            let recorder = RunRecorder(principal: principal)
            let parts: [MessagePart] = [.text(text)] + (pointer.map { [.document(Attachment(pointer: $0, title: "lease"))] } ?? [])
            let message = Message(id: "m_1", chatID: "c_1", parentID: nil, role: .user, parts: parts, createdAt: .now())
            try await handler.handle(
                TaskRequest(responseID: "r_1", requestID: "q_1", chatID: "c_1", task: "notes", message: message), recorder.context)
            return recorder.text
        }
        let (ann, bob) = (Principal(named: "ann"), Principal(named: "bob"))
        let record = try await content.add(
            .bytes(Array("The rent is due on the third.".utf8)), title: "lease.txt", mimeType: "text/plain", principal: ann)
        #expect(try await ask("When is the rent due?", record.pointer, ann).contains("on the third"))
        #expect(try await ask("When is the rent due?", nil, ann).contains("on the third"))
        #expect(try await !ask("When is the rent due?", nil, bob).contains("on the third"))
        await #expect(throws: MillraceError.self) { try await ask("When is the rent due?", record.pointer, bob) }
        await search.close()
    }

    @Test func handlersWithoutTheirClients_areLeftOut() throws {
        var settings = ServerSettings()
        settings.dataDirectory = ":memory:"
        settings.logLevel = .error
        settings.objects.kind = .s3
        settings.aws.variables = AWSVariables(["HOME": "/nonexistent"])
        let server = try notesServer(settings)
        server.stop()
        try ordersServer(settings).stop()
    }

    @Test func objects_areCopied() async throws {
        let (old, new) = (try ObjectFolder(), try ObjectFolder())
        let executor = try BlockingExecutor(name: "test", threads: 1)
        let source = try DirectoryObjectStore(path: old.path, executor: executor)
        for number in 0..<3 {
            _ = try await source.put(
                "content/f_\(number)", .bytes([UInt8(number)]), options: ObjectPutOptions(mimeType: "text/plain", metadata: ["a": "b"]))
        }
        var settings = ServerSettings()
        settings.dataDirectory = ":memory:"
        settings.logLevel = .error
        settings.objects.path = new.path
        try await copyObjects(from: old.path, to: settings)
        let target = try DirectoryObjectStore(path: new.path, executor: executor)
        #expect(
            try await target.list(prefix: "", after: nil, limit: 10).objects.map(\.key) == ["content/f_0", "content/f_1", "content/f_2"])
        #expect(try await target.bytes("content/f_2", limit: 1) == [2])
        let found = try #require(try await target.head("content/f_2"))
        #expect(found.mimeType == "text/plain" && found.metadata == ["a": "b"])
    }
}

/// A directory for objects, with all that is in it.
private final class ObjectFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/millrace-documents-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw MillraceError(.system, "cannot make a directory in /tmp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        for name in DocumentTests.names(in: path) { remove("\(path)/\(name)") }
        if rmdir(path) != 0 { unlink(path) }
    }
}

extension String {
    /// The texts between two marks, in order.
    fileprivate func components(between start: String, and end: String) -> [String] {
        var found: [String] = []
        var rest = self[...]
        while let opening = rest.firstRange(of: start) {
            rest = rest[opening.upperBound...]
            guard let closing = rest.firstRange(of: end) else { break }
            found.append(String(rest[..<closing.lowerBound]))
            rest = rest[closing.upperBound...]
        }
        return found
    }
}
