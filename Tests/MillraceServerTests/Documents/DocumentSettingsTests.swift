import Millrace
import MillraceBackends
import MillraceCore
import MillraceHTTPClient
import MillraceTaskHandlers
import Testing

@testable import MillraceServer

/// What reads documents, as the settings say.
@Suite struct DocumentSettingsTests {
    private func settings() -> ServerSettings {
        var settings = ServerSettings()
        settings.dataDirectory = ":memory:"
        settings.logLevel = .error
        return settings
    }

    @Test func programIsMissing_serverStartsWithoutIt_andSaysWhy() throws {
        var settings = settings()
        settings.documents.program = "/nonexistent/millrace-extract"
        let clients = Locked<Server.Clients?>(nil)
        let server = try Server(settings: settings) { _, given in clients.withLock { $0 = given } }
        defer { server.stop() }
        let found = try #require(clients.withLock { $0 })
        #expect(found.documents == nil)
        let reason = "the program '/nonexistent/millrace-extract' that reads documents cannot be started: No such file or directory"
        #expect(found.unavailable["documents"] == reason)
        #expect(server.handlers.handler(named: "chat") != nil)
        let check = BackendReadiness(server.backends) { _ in .closed }.checks.last
        #expect(check == ModelReadiness.Check(name: "documents", status: .unavailable, message: reason))
        let finding = BackendProbe(settings).run().last
        #expect(finding == .init(verdict: .unusable, text: "documents: " + reason, isDefault: false))
    }

    /// What can be started is taken; whether it is the right program shows in `millrace doctor`.
    @Test func program_isWhatTheSettingsName_withTheirLimits() throws {
        var settings = settings()
        settings.documents.program = "/bin/true"
        settings.documents.limits.documentBytes = 7
        let clients = Locked<Server.Clients?>(nil)
        let server = try Server(settings: settings) { _, given in clients.withLock { $0 = given } }
        defer { server.stop() }
        #expect(clients.withLock { $0?.documents?.limits.documentBytes } == 7)
        #expect(server.backends.unavailable["documents"] == nil)
        let finding = try #require(BackendProbe(settings).run().last)
        #expect(finding.verdict == .unusable && finding.text.hasPrefix("documents: /bin/true: "), "\(finding.text)")
    }

    /// Whoever may start runs could write into any collection.
    @Test(arguments: [[], ["manuals"]]) func ingest_isThereWhereCollectionsAreNamed(collections: [String]) throws {
        var settings = settings()
        settings.documents.program = "/bin/true"
        settings.set(ingest(collections))
        let server = try Server(settings: settings)
        defer { server.stop() }
        #expect((server.handlers.handler(named: "ingest") != nil) == !collections.isEmpty)
        #expect(server.handlers.defaultName == "chat")
    }

    @Test func ingestLacksWhatItNeeds_isLeftOut() throws {
        var settings = settings()
        settings.documents.program = "/nonexistent"
        settings.set(ingest(["manuals"]))
        let server = try Server(settings: settings)
        defer { server.stop() }
        #expect(server.handlers.handler(named: "ingest") == nil)
    }

    private func ingest(_ collections: [String]) -> IngestSettings {
        var settings = IngestSettings()
        settings.collections = collections
        return settings
    }

    @Test func everySetting_reachesTheExtractor() {
        let yaml = """
            documents:
              program: /opt/millrace-extract
              pdfPrograms: /opt/bin
              spoolDirectory: /spool
              concurrent: 3
              waiting: 4
              documentBytes: 5
              textCharacters: 6
              pages: 7
              parts: 8
              unpackedBytes: 9
              compressionRatio: 10
              seconds: 11
              processorSeconds: 12
              memoryBytes: 134217728
            """
        let report = inspect(yaml: yaml)
        #expect(report.problems.isEmpty && report.warnings.isEmpty)
        let options = report.settings.documents.options
        #expect(options.program == "/opt/millrace-extract" && options.pdfPrograms == "/opt/bin" && options.spoolDirectory == "/spool")
        #expect(options.concurrent == 3 && options.waiting == 4)
        let limits = options.limits
        #expect([limits.documentBytes, limits.textCharacters, limits.pages, limits.parts, limits.unpackedBytes] == [5, 6, 7, 8, 9])
        #expect([limits.compressionRatio, limits.seconds, limits.processorSeconds, limits.memoryBytes] == [10, 11, 12, 128 << 20])
    }
}
