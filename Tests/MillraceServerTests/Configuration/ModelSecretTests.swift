import MillraceCore
import Testing

@testable import MillraceServer

/// Where secrets come from, and that they stay there.
@Suite struct ModelSecretTests {
    private func key(_ apiKey: String, dotEnv: String? = nil, environment: [String: String] = [:], files: [String: String] = [:]) -> (
        value: String?, unavailable: String?
    ) {
        let report = inspect(
            yaml: "models: {m: {type: openai, model: x, apiKey: '\(apiKey)'}}", dotEnv: dotEnv, environment: environment, files: files)
        #expect(report.problems.isEmpty, "what is missing makes a model unavailable, and nothing wrong")
        guard case .openAI(let server, _, _)? = report.settings.models.first?.kind else { return (nil, "no model was read") }
        return (server.apiKey?.value, report.settings.models.first?.unavailable)
    }

    @Test func variable_isLookedUpInTheEnvironmentAndThenInDotEnv() {
        #expect(key("env:KEY", environment: ["KEY": "a"]) == ("a", nil))
        #expect(key("env:KEY", dotEnv: "KEY=b\n") == ("b", nil))
        #expect(key("env:KEY", dotEnv: "KEY=b\n", environment: ["KEY": "a"]) == ("a", nil))
        #expect(key("env:KEY", dotEnv: "KEY=b\n", environment: ["KEY": ""]) == ("b", nil), "an empty variable counts as not set")
        #expect(key("env:KEY", environment: ["KEY": "a\n"]) == ("a", nil))
    }

    @Test(arguments: ["s3cret", "s3cret\n", "s3cret\r\n", "s3cret\n\n"])
    func file_isReadWithoutLineBreaksAtItsEnd(text: String) {
        #expect(key("file:key.txt", files: ["key.txt": text]) == ("s3cret", nil))
    }

    @Test func absolutePath_isTakenAsItStands() {
        let directory = TemporaryDirectory()
        directory.write("key", "s3cret\n")
        #expect(key("file:\(directory.path)/key") == ("s3cret", nil))
    }

    @Test(arguments: [
        ("env:KEY", "", "the environment variable KEY is not set"),
        ("env:KEY", "\n", "the secret that env:KEY names is empty"),
        ("env:KEY", "a\u{1}b", "the secret that env:KEY names holds a control character"),
        ("env:KEY", "a\nb", "the secret that env:KEY names holds a control character"),
        ("file:key.txt", "", "the secret that file:key.txt names is empty"),
        ("file:absent", "", "/absent: No such file or directory"),
    ])
    func missingSecret_makesTheModelUnavailable_withTheReason(reference: String, value: String, reason: String) {
        let found = key(reference, environment: ["KEY": value], files: ["key.txt": value])
        #expect(found.value == nil)
        #expect(found.unavailable?.hasSuffix(reason) == true, "\(found.unavailable ?? "nil")")
    }

    @Test func missingHeader_makesTheModelUnavailable() {
        let report = inspect(yaml: "models: {m: {type: openai, model: x, headers: {api-key: env:AZURE_KEY}}}")
        #expect(report.problems.isEmpty)
        #expect(report.settings.models.first?.unavailable == "the environment variable AZURE_KEY is not set")
        #expect("\(report.settings)".contains("models.m: openai (not available: the environment variable AZURE_KEY is not set)"))
    }

    @Test func replay_needsNoKey() {
        let report = inspect(yaml: "models: {m: {type: openai, model: x, apiKey: env:ABSENT, replay: /var/tmp/r}}")
        #expect(report.problems.isEmpty)
        #expect(report.settings.models.first?.unavailable == nil)
    }

    @Test func nothingThatIsPrinted_showsASecret() {
        let secret = "hunter2-0123456789"
        let report = inspect(
            yaml: """
                models:
                  a: {type: openai, model: x, apiKey: env:KEY, headers: {X-Token: env:KEY}}
                  b: {type: anthropic, model: x, apiKey: file:key}
                  c:
                    type: custom
                    url: https://a.example/g
                    apiKey: env:KEY
                    headers: {Authorization: "Key {{credential}}"}
                    body: {password: \(secret), input: "{{prompt}}"}
                    response: {text: $.t}
                embedders:
                  e: {type: openai, model: x, apiKey: env:KEY}
                """, environment: ["KEY": secret], files: ["key": secret])
        #expect(report.problems.isEmpty, "\(report.problems)")
        #expect(report.settings.models.count == 3)
        expectNothing(of: secret, in: report)
    }
}
