import Millrace
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

@Suite struct QuestionWordsTests {
    @Test(arguments: [
        ("What is the warranty of the X100?", ["warranty", "X100"], false),
        ("And how long does it last for the battery?", ["last", "battery"], true),
        ("What about noise?", ["noise"], true), ("Why?", [], true), ("", [], true),
        ("Größe von WP-34B v1.2?", ["Größe", "von", "WP-34B", "v1.2"], false),
        ("Thanks!", [], true), ("battery battery Battery", ["battery"], false),
    ])
    func terms_andFollowUps(text: String, terms: [String], isFollowUp: Bool) {
        let words = QuestionWords(text)
        #expect(words.isFollowUp == isFollowUp)
        if text.hasPrefix("And") { #expect(words.terms.contains("battery")) } else { #expect(words.terms == terms) }
    }

    @Test func followUps_takeOverTheTopic() {
        let first = "What is the warranty of the X100?"
        #expect(QuestionWords.plan(first, after: [], limit: 3) == SearchPlan(keywordQueries: [first], semanticQuery: first))
        let second = "And for the battery?"
        #expect(
            QuestionWords.plan(second, after: [first], limit: 3)
                == SearchPlan(
                    keywordQueries: ["warranty X100 battery", "battery"], semanticQuery: "And for the battery? (warranty X100)",
                    topic: ["warranty", "X100"]))
        // The topic stays that of the question that stands for itself; what came between is tried, too.
        let third = QuestionWords.plan("And the charger?", after: [first, "Thanks!", second], limit: 3)
        #expect(third.keywordQueries == ["warranty X100 charger", "warranty X100 battery charger", "charger"])
        #expect(QuestionWords.plan("And the charger?", after: [first, second], limit: 1).keywordQueries == ["warranty X100 charger"])
        // A question of its own takes over nothing.
        #expect(QuestionWords.plan("Who makes the Z7?", after: [first, second], limit: 3).topic.isEmpty)
        #expect(QuestionWords.plan("Why?", after: [], limit: 3).keywordQueries == ["Why?"])
    }

    @Test(arguments: [
        ("And how long does it last for the battery?", "And how long battery?"),
        ("What about the charger, when is it sent?", "And what charger sent?"),
        ("And does it work?", nil), ("And the charger", "And charger?"), ("Why?", nil),
    ])
    func followUp_withoutItsWording(text: String, short: String?) { #expect(QuestionWords(text).shortFollowUp == short) }

    @Test(arguments: [
        ("I have an X100. How long is the warranty?", [], ["X100 — How long is the warranty?"]),
        ("battery warranty", [], ["battery warranty"]),
        ("And for it?", ["warranty", "X100"], ["warranty X100?", "And for it?"]),
        ("And the charger?", ["X100"], ["X100?", "And charger?"]),
    ])
    func questionForAQuotingModel_hasNothingToQuote(text: String, topic: [String], turns: [String]) {
        let message = Message(id: "m", chatID: "c", parentID: nil, role: .user, parts: [.text(text)], createdAt: .init(microseconds: 0))
        let request = TaskRequest(responseID: "r", requestID: "q", chatID: "c", task: "rag_oss", message: message)
        let asked = RagOssConversation(request, characters: 1_000).questions(about: topic).map(\.text)
        #expect(asked == turns)
    }

    @Test(arguments: [(3, ["a", "b", "own"]), (4, ["a", "b", "c", "own"]), (2, ["a", "own"]), (1, ["a", "b", "c"])])
    func ownWords_areAmongTheQueries(limit: Int, queries: [String]) {
        let plan = SearchPlan(keywordQueries: ["a", "b", "c"], semanticQuery: "s")
        #expect(plan.adding("own", limit: limit) == SearchPlan(keywordQueries: queries, semanticQuery: "s"))
        #expect(plan.adding("b", limit: limit) == plan)
    }

    @Test func sentences_areToldApart() {
        #expect(QuestionWords.sentences(of: "I have a v1.2. Is it safe? Yes.\nWhy") == ("Is it safe?", "I have a v1.2. Yes. Why"))
        #expect(QuestionWords.sentences(of: "battery") == ("", "battery"))
    }
}
