import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct LocalLanguageModelConversationTests {
    @Test func earlierStatement_isQuoted() async throws {
        let turns = [said("My name is Ada. I live in Turin."), said("Noted.", .assistant)]
        let streamed = try await run(ask("What is my name?", after: turns))
        #expect(streamed.citations.map(\.text) == ["My name is Ada."])
        #expect(streamed.text.contains("“My name is Ada.” — your message 1, paragraph 1 [1]"))
        let other = try await run(ask("Where do I live?", after: turns))
        #expect(other.citations.map(\.text) == ["I live in Turin."])
    }

    @Test func statementAndQuestionInOneMessage_statementAnswers() async throws {
        let streamed = try await run(ask("My name is Ada. I live in Turin. What is my name?"))
        #expect(streamed.citations.map(\.text) == ["My name is Ada."])
    }

    @Test func earlierQuestion_isNeverQuoted() async throws {
        let streamed = try await run(
            ask("What is the rent?", after: [said("What is the rent?"), said("I do not know the rent.", .assistant)]))
        #expect(streamed.citations.isEmpty)
    }

    @Test(arguments: [
        ("And when is it due?", "It is due on the third working day of each month and is paid by bank transfer."),
        ("What about the deposit?", "Before the keys are handed over the tenant pays a deposit of 3,720 euros."),
        ("And how much?", "The monthly rent is 1,240 euros."),
    ])
    func followUp_takesUpTheQuestionBefore(question: String, expected: String) async throws {
        let turns = [said("What does it say about the monthly rent?"), said("The monthly rent is 1,240 euros.", .assistant)]
        let streamed = try await run(ask(question, documents: lease, after: turns))
        #expect(streamed.citations.first?.text == expected)
    }

    @Test func statementWithoutQuestion_saysSo() async throws {
        let streamed = try await run(ask("My name is Ada."))
        #expect(streamed.citations.isEmpty)
        #expect(streamed.text.contains("Your message is all that I have"))
    }
}
