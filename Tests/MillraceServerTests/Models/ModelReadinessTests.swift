import Millrace
import MillraceBackends
import MillraceHTTPClient
import Testing

@testable import MillraceServer

/// What `/readyz` says of models, by the circuits of their endpoints.
@Suite struct ModelReadinessTests {
    private static let yaml = """
        models:
          up: {type: openai, model: x, url: "http://127.0.0.1:1/v1"}
          down: {type: anthropic, model: x, url: "http://127.0.0.1:2"}
          played: {type: openai, model: x, url: "http://127.0.0.1:2/v1", replay: /r}
          no: {type: openai, model: x, apiKey: env:ABSENT}
          both: {type: fallback, models: [down, up]}
          lost: {type: fallback, models: [no, down]}
          kept: {type: fallback, models: [down, local]}
          auto: {type: route, rules: [{tools: true, model: down}, {images: true, model: down}, {documents: true, model: no}], otherwise: up}
        embedders:
          near: {type: openai, model: x, url: "http://127.0.0.1:1/v1"}
          far: {type: openai, model: x, url: "http://127.0.0.1:2/v1"}
          keyless: {type: openai, model: x, apiKey: env:ABSENT}
        """

    private func checks(_ circuit: ResilientTransport.CircuitStatus) throws -> [String] {
        let absent = "the environment variable ABSENT is not set"
        let models = try LanguageModelRegistry(default: ScriptedLanguageModel([]), unavailable: ["no": absent])
        let embedders = try EmbedderRegistry(unavailable: ["keyless": absent])
        let readiness = ModelReadiness(inspect(yaml: Self.yaml).settings, models: models, embedders: embedders) { url in
            url.hasPrefix("http://127.0.0.1:2") ? circuit : .closed
        }
        return readiness.checks.map { "\($0.name) \($0.status.rawValue)" + ($0.message.map { ": \($0)" } ?? "") }
    }

    @Test func openCircuit_isFailing_withWhatDependsOnIt() throws {
        let why = "its server has failed too often and is left alone for 12 s"
        let absent = "the environment variable ABSENT is not set"
        #expect(
            try checks(.open(remaining: .milliseconds(11_500))) == [
                "model:up ok", "model:down failing: \(why)", "model:played ok", "model:no unavailable: \(absent)", "model:both ok",
                "model:lost failing: every model that it asks is failing", "model:kept ok",
                "model:auto failing: it chooses among models that are failing: down",
                "embedder:near ok", "embedder:far failing: \(why)", "embedder:keyless unavailable: \(absent)",
            ])
    }

    @Test(
        arguments: [
            (.open(remaining: .zero), "its server has failed too often; the next request tries it again"),
            (.halfOpen, "its server has failed too often and is tried again now"),
        ] as [(ResilientTransport.CircuitStatus, String)])
    func circuitThatIsTriedAgain_isStillFailing(circuit: ResilientTransport.CircuitStatus, message: String) throws {
        #expect(try checks(circuit).contains("model:down failing: \(message)"))
    }

    @Test func closedCircuits_areOk() throws {
        #expect(try checks(.closed).filter { !$0.hasSuffix(" ok") }.count == 2, "those without a key")
    }
}
