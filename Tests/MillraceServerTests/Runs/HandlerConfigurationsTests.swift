import Millrace
import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct HandlerConfigurationsTests {
    private static func make() throws -> HandlerConfigurations {
        HandlerConfigurations(blocking: try BlockingExecutor(name: "test", threads: 1)) { _ in
            throw MillraceError(.configuration, "there is no AWS here")
        }
    }
    private static let early = Timestamp(microseconds: 1)
    private static let late = Timestamp(microseconds: 2)

    @Test(arguments: [[0, 1], [1, 0]])
    func twoAtOnce_theOneThatWasStoredLaterIsInUse(order: [Int]) async throws {
        let configurations = try Self.make()
        let stored: [([String: JSONValue], Timestamp)] = [
            (["n": 1, "guardrail": ["rules": [["words": ["first"], "action": "block"]]]], Self.early), (["n": 2], Self.late),
        ]
        for number in order {
            let entry = try await configurations.examine(stored[number].0)
            #expect(entry.problems.isEmpty)
            configurations.use(entry, for: "chat", since: stored[number].1)
        }
        #expect(configurations.configuration(of: "chat") == ["n": 2])
        #expect(configurations.guards(of: "chat").stages.isEmpty)
    }

    @Test func storedGuardrailThatIsWrong_letsNothingPass() async throws {
        let configurations = try Self.make()
        let entry = try await configurations.examine(["guardrail": ["nonsense": true]])
        #expect(entry.problems.map(\.field) == ["guardrail.nonsense"])
        configurations.use(entry, for: "chat", since: Self.early)
        #expect(configurations.guards(of: "chat").stages.count == 1)
    }

    @Test func guardOfBedrock_thatCannotBeMade_isSaid_andLetsNothingPass() async throws {
        let configurations = try Self.make()
        let entry = try await configurations.examine(["guardrail": ["guardrailIdentifier": "abc123", "guardrailVersion": "1"]])
        #expect(entry.problems.first?.message.contains("there is no AWS here") == true)
        configurations.use(entry, for: "chat", since: Self.early)
        #expect(configurations.guards(of: "chat").stages.count == 1)
    }
}
