import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct LocalLanguageModelSummaryTests {
    @Test(arguments: [
        "Summarise this.", "Please summarize the document", "tl;dr", "What are the key points?", "Give me an overview",
        "Fasse das zusammen",
        "Résumez ce texte", "总结一下", "What is this document about?",
    ])
    func summaryRequest_quotesInTheOrderOfTheText(question: String) async throws {
        let streamed = try await run(ask(question, documents: lease))
        #expect((3...8).contains(streamed.citations.count))
        let places = try streamed.citations.map { try #require(Lease.text.firstRange(of: $0.text)).lowerBound }
        #expect(places == places.sorted())
        #expect(Set(streamed.citations.map(\.text)).count == streamed.citations.count)
    }

    @Test(arguments: [
        ("Summarise it in 3 sentences", 3), ("Give me five key points", 5), ("Two bullet points, please: summary", 2), ("用3句话总结", 3),
    ])
    func numberOfPoints_isKept(question: String, count: Int) async throws {
        let streamed = try await run(ask(question, documents: lease))
        #expect(streamed.citations.count == count)
    }

    @Test func morePointsThanSentences_saysSo() async throws {
        let documents = [ModelDocument(id: "doc_1", title: "short.txt", text: "Rain fell all night. The river rose by a metre.")]
        let streamed = try await run(ask("Summarise in 5 sentences", documents: documents))
        #expect(streamed.citations.count == 2)
        #expect(streamed.text.contains("You asked for 5; I found 2 sentences in short.txt"))
    }

    @Test func textThatRepeatsItself_isSummarisedAsIfItDidNot() async throws {
        func texts(_ copies: Int) async throws -> [String] {
            let text = String(repeating: Lease.text + "\n\n", count: copies)
            let documents = [ModelDocument(id: "doc_1", title: "long.txt", text: text)]
            return try await run(ask("Summarise in 5 sentences", documents: documents)).citations.map(\.text)
        }
        let quotes = try await texts(200)
        #expect(quotes.count == 5)
        #expect(Set(quotes).count == 5)
    }

    @Test func summaryOfTopic_isAboutTheTopic() async throws {
        let streamed = try await run(ask("Summarise what it says about the deposit", documents: lease))
        #expect(streamed.citations.first?.section == "4. Deposit, paragraph 10")
    }

    @Test func textInTheMessage_isSummarised() async throws {
        let text =
            "Bees live in colonies. A colony has one queen. Bees collect nectar for the colony. Paint dries slowly. Wax holds the colony's honey."
        let streamed = try await run(ask("Summarise this in one sentence: " + text))
        #expect(streamed.citations.count == 1)
        #expect(try text.contains(#require(streamed.citations.first).text))
        #expect(streamed.citations.first?.documentTitle == "your message 1")
    }

    @Test func documentWithoutQuestion_isSummarised() async throws {
        let streamed = try await run(ModelRequest(turns: [ModelRequest.Turn(role: .user, parts: [])], documents: lease))
        #expect(streamed.text.hasPrefix("You asked nothing"))
        #expect(streamed.citations.count >= 3)
    }

    @Test func oneOfSeveralSources_isNotTheOnlyOneQuoted() async throws {
        let bees = "Bees live in colonies. A colony has one queen. Bees collect nectar for their colony."
        let boats = "Boats need a hull. A hull keeps boats afloat. Boats are moored in the harbour."
        let documents = [ModelDocument(id: "doc_1", title: "bees", text: bees), ModelDocument(id: "doc_2", title: "boats", text: boats)]
        let streamed = try await run(ask("Summarise both in 4 sentences", documents: documents))
        #expect(Set(streamed.citations.map(\.documentID)) == ["doc_1", "doc_2"])
    }
}
