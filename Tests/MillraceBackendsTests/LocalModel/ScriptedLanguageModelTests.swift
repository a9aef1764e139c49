import Millrace
import MillraceBackends
import MillraceCore
import Testing

@Suite struct ScriptedLanguageModelTests {
    private let script: [ModelEvent] = [.text("a"), .usage(Usage(promptTokens: 3)), .text("b")]

    @Test func script_isPlayedInOrder() async throws {
        let paced = Locked<[Int]>([])
        let model = ScriptedLanguageModel(id: "s", script, stopReason: .toolUse, pacing: { number in paced.withLock { $0.append(number) } })
        var events: [ModelEvent] = []
        let response = try await model.generate(ModelRequest(turns: [])) { events.append($0) }
        #expect(events == script)
        #expect(paced.withLock { $0 } == [0, 1, 2])
        #expect(response == ModelResponse(stopReason: .toolUse, usage: Usage(promptTokens: 3), modelID: "s"))
    }

    @Test(arguments: [0, 1, 3, 9])
    func failure_comesAtItsPlace(after: Int) async throws {
        let model = ScriptedLanguageModel(script, failure: .init(afterEvents: after, error: MillraceError(.modelError, "broken")))
        var count = 0
        await #expect(throws: MillraceError.self) { try await model.generate(ModelRequest(turns: [])) { _ in count += 1 } }
        #expect(count == min(after, 3))
    }
}
