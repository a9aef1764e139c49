import Glibc
import MillraceCore
import MillraceServer
import Testing

@testable import MillraceCLI

/// What `millrace doctor` says of models whose servers answer a script.
@Suite(.timeLimit(.minutes(1))) struct ModelProbeTests {
    private static let secret = "sk-0123456789abcdef"

    private func findings(_ yaml: String, _ environment: [String: String] = ["KEY": secret], timeout: Duration = .seconds(5)) throws
        -> [DoctorCommand.Finding]
    {
        var template = Array("/tmp/millrace-probe-XXXXXX".utf8CString)
        let directory = try #require(
            template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } })
        let path = directory + "/config.yaml"
        let file = try #require(fopen(path, "w"))
        fputs(yaml, file)
        fclose(file)
        defer {
            unlink(path)
            #expect(rmdir(directory) == 0, "nothing was made beside the file")
        }
        let report = SettingsLoader.inspect(SettingsSources(environment: environment, directory: directory))
        #expect(report.problems.isEmpty && report.warnings.isEmpty, "\(report.problems)")
        let findings = DoctorCommand.models(ModelProbe(report.settings, timeout: timeout).run())
        for finding in findings + DoctorCommand.configuration(report) {
            #expect(!finding.text.contains(Self.secret), "no finding shows a key")
        }
        return findings
    }

    private func response(_ status: String, _ body: String, _ fields: String = "Content-Type: application/json\r\n") -> [[ScriptedServer
        .Step]]
    {
        [[.send("HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)")]]
    }

    private static let list = #"{"data":[{"id":"gpt-x"},{"id":"gpt-y"}]}"#

    @Test func listedModel_isOk_andTheKeyWasSent() throws {
        let server = try ScriptedServer(response("200 OK", Self.list))
        let found = try findings(
            "models: {m: {type: openai, model: gpt-x, url: '\(server.url)/v1', apiKey: env:KEY, headers: {X-Team: blue}}}")
        #expect(found == [.init(verdict: .ok, text: "model m: 127.0.0.1:\(server.port) has 'gpt-x'")])
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("GET /v1/models HTTP/1.1\r\n"))
        #expect(request.contains("Authorization: Bearer \(Self.secret)\r\n") && request.contains("X-Team: blue\r\n"))
    }

    @Test func anthropic_isAskedForItsList() throws {
        let server = try ScriptedServer(response("200 OK", #"{"data":[{"id":"claude-x-20250929"}],"has_more":false}"#))
        let found = try findings("models: {m: {type: anthropic, model: claude-x, url: '\(server.url)', apiKey: env:KEY}}")
        #expect(found.map(\.verdict) == [.ok])
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("GET /v1/models?limit=1000 HTTP/1.1\r\n") && request.contains("x-api-key: \(Self.secret)\r\n"))
        #expect(request.contains("anthropic-version: 2023-06-01\r\n"))
    }

    @Test func embedderThatIsNotListed_isAWarning() throws {
        let server = try ScriptedServer(response("200 OK", Self.list))
        let found = try findings("embedders: {e: {type: openai, model: gpt-z, url: '\(server.url)/v1'}}")
        #expect(found.map(\.verdict) == [.warn])
        #expect(found.first?.text.contains("'gpt-z' is not among the 2 models that it lists: check embedders.e.model") == true)
    }

    /// The server repeats the key in its complaint, as some do.
    @Test(arguments: ["401 Unauthorized", "403 Forbidden"])
    func wrongKey_namesTheVariable_andNotTheKey(status: String) throws {
        let server = try ScriptedServer(response(status, #"{"error":{"message":"wrong key \#(Self.secret)"}}"#))
        let found = try findings("defaults: {model: m}\nmodels: {m: {type: openai, model: x, url: '\(server.url)/v1', apiKey: env:KEY}}")
        #expect(found.map(\.verdict) == [.fail], "the default model cannot be used")
        #expect(found.first?.text.contains("refuses the API key (\(status.prefix(3))): check the variable KEY") == true)
    }

    @Test func serverError_withTheKeyInIt_showsNoKey() throws {
        let server = try ScriptedServer(response("500 Oops", "{\"error\":{\"message\":\"at \(Self.secret)\\u001b[2J\"}}"))
        let found = try findings("models: {m: {type: openai, model: x, url: '\(server.url)/v1', apiKey: env:KEY}}")
        #expect(found.map(\.verdict) == [.warn])
        #expect(found.first?.text.contains("answered 500") == true)
        #expect(found.first?.text.utf8.contains(0x1B) == false, "a server does not write to the terminal")
    }

    @Test func pageInPlaceOfAList_isSaid() throws {
        let server = try ScriptedServer(response("200 OK", "<html>", "Content-Type: text/html\r\n"))
        let found = try findings("models: {m: {type: openai, model: x, url: '\(server.url)/v1'}}")
        #expect(found.map(\.verdict) == [.warn])
        #expect(found.first?.text.contains("check the URL") == true)
    }

    @Test(arguments: ["200 OK", "404 Not Found", "405 Method Not Allowed"])
    func customAPI_isOnlyConnectedTo_withoutItsKey(status: String) throws {
        let server = try ScriptedServer(response(status, "{}"))
        let found = try findings(
            """
            models:
              c:
                type: custom
                url: \(server.url)/generate?version=2
                apiKey: env:KEY
                headers: {X-Api-Key: "{{credential}}"}
                body: {p: "{{prompt}}"}
                response: {text: $.t}
            """)
        #expect(found == [.init(verdict: .ok, text: "model c: 127.0.0.1:\(server.port) answers; its API and key are not tried")])
        #expect(server.requests.first?.hasPrefix("GET / HTTP/1.1\r\n") == true)
        #expect(server.requests.first?.contains(Self.secret) == false)
    }

    @Test func silentServer_isGivenUpOn() throws {
        let server = try ScriptedServer([[.awaitClose]])
        let found = try findings("models: {m: {type: openai, model: x, url: '\(server.url)/v1'}}", timeout: .milliseconds(100))
        #expect(found.map(\.verdict) == [.warn])
        #expect(found.first?.text.contains("in time") == true, "\(found)")
        #expect(server.awaitCloses(1))
    }

    @Test func nothingListening_isAFailureOnlyForTheDefault() throws {
        let port = try ScriptedServer([]).port
        let yaml = "models: {m: {type: openai, model: x, url: 'http://127.0.0.1:\(port)/v1'}, l: {type: fallback, models: [m, local]}}"
        let text = "model m: nothing listens on 127.0.0.1:\(port): start the server, or check models.m.url"
        let parts = DoctorCommand.Finding(verdict: .warn, text: "model l: see its models m")
        #expect(try findings(yaml) == [.init(verdict: .warn, text: text), parts])
        #expect(try findings("defaults: {model: m}\n" + yaml) == [.init(verdict: .fail, text: text), parts])
        #expect(try findings("defaults: {model: l}\n" + yaml) == [.init(verdict: .warn, text: text), parts], "local answers")
    }

    @Test func missingKey_isAWarning_andForTheDefaultAFailure() throws {
        let yaml = "models: {m: {type: openai, model: x, apiKey: env:KEY}}"
        let text = "model m: not available: the environment variable KEY is not set"
        #expect(try findings(yaml, [:]) == [.init(verdict: .warn, text: text)])
        let failed = try findings("defaults: {model: m}\n" + yaml, [:])
        #expect(failed.map(\.verdict) == [.fail, .fail] && failed.last?.text == text, "the server would not start")
    }

    @Test func mistakesBetweenModels_areFailures() throws {
        let found = try findings("models: {m: {type: fallback, models: [lokal]}}")
        #expect(
            found.first
                == .init(verdict: .fail, text: "models: the model 'm' names the model 'lokal', which there is not: did you mean 'local'?"))
    }

    @Test func recording_makesNoDirectory_andAReplayAsksNobody() throws {
        let server = try ScriptedServer(response("200 OK", Self.list))
        let found = try findings("models: {m: {type: openai, model: gpt-x, url: '\(server.url)/v1', record: recordings}}")
        #expect(found.map(\.verdict) == [.ok])
        let played = try findings("models: {m: {type: openai, model: gpt-x, url: 'http://127.0.0.1:1/v1', replay: /tmp}}")
        #expect(played == [.init(verdict: .ok, text: "model m: answers from the recordings in /tmp")])
    }
}
