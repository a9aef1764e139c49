import Millrace
import MillraceBackends
import MillraceCore
import Testing

@Suite struct ReadmeTests {
    private static func read(_ path: String) throws -> String {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        return String(decoding: try BoundedFile.read("\(folder)/\(path)", limit: 1 << 20), as: UTF8.self)
    }

    /// The handler in README is the one that is compiled here, line by line.
    @Test func handlerInReadme_isTheOneThatIsCompiled() throws {
        let readme = try Self.read("README.md")
        let source = try Self.read("Tests/MillraceServerTests/GlossaryHandler.swift")
        let start = try #require(source.firstRange(of: "struct GlossaryHandler"))
        let end = try #require(source.firstRange(of: "\nfunc readmeServer"))
        #expect(readme.contains(source[start.lowerBound..<end.lowerBound]))
        for line in [
            "let server = try Server(settings: ServerSettings()) { registry, clients in",
            "    try registry.register(GlossaryHandler(models: clients.models))",
        ] {
            #expect(readme.contains(line) && source.contains(line))
        }
    }

    @Test func handlerInReadme_works() async throws {
        let recorder = RunRecorder()
        let models = try LanguageModelRegistry(default: ScriptedLanguageModel([.text("lease: "), .text("a contract")]))
        let message = Message(id: "m_1", chatID: "c_1", parentID: nil, role: .user, parts: [.text("a lease")], createdAt: .now())
        let request = TaskRequest(responseID: "r_1", requestID: "q_1", chatID: "c_1", task: "glossary", message: message)
        try await GlossaryHandler(models: models).handle(request, recorder.context)
        #expect(recorder.text == "lease: a contract")
        #expect(recorder.events.map(\.kind) == [.status, .content, .content, .metadata])
    }

    /// Every link of README to a file of the project leads somewhere.
    @Test func linksInReadme_leadSomewhere() throws {
        let readme = try Self.read("README.md")
        var rest = readme[...]
        var count = 0
        while let found = rest.firstRange(of: "](") {
            rest = rest[found.upperBound...]
            let target = rest.prefix { $0 != ")" }
            guard !target.hasPrefix("http"), !target.hasPrefix("#"), !target.hasSuffix("/") else { continue }
            _ = try Self.read(String(target))
            count += 1
        }
        #expect(count >= 5)
        #expect(try Self.read("examples/chat/data/lease.txt").contains("hands over all keys"), "the text that README attaches")
    }
}
