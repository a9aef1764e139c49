import Testing

@testable import MillraceBackends

@Suite struct TokenizerTests {
    @Test(arguments: [
        ("The payments were 1,240 euros, paid on time.", ["pay", "1240", "euro", "pay", "tim"]),
        ("Terminated, terminating, termination: terminates", ["terminat", "terminat", "terminat", "terminat"]),
        ("The tenant's keys aren't here at 3.5 m", ["tenant", "key", "arent", "3.5", "m"]),
        ("Zoë ÉTÉ Straße", ["zoë", "été", "straße"]),
        ("租金多少 ok", ["租金", "金多", "多少"]),
        ("cities city; boxes box; stopped stop", ["city", "city", "box", "box", "stop", "stop"]),
    ])
    func text_givesTerms(text: String, terms: [String]) {
        #expect(Tokenizer.terms(text) == terms)
    }
}

@Suite struct BM25Tests {
    @Test func weight_isTheFormulas() {
        // By hand: n=1, N=3: ln(1 + 2.5/1.5); f=2, length as average: 2·2.2/(2+1.2).
        let inverse = BM25.inverseFrequency(containing: 1, of: 3)
        #expect(abs(inverse - 0.980_829) < 1e-6)
        #expect(abs(BM25().weight(frequency: 2, length: 5, averageLength: 5, inverseFrequency: inverse) - inverse * 1.375) < 1e-12)
        #expect(BM25().weight(frequency: 1, length: 9, averageLength: 5, inverseFrequency: 1) < 1)
        #expect(BM25().weight(frequency: 0, length: 9, averageLength: 5, inverseFrequency: 1) == 0)
    }
}

@Suite struct MarginalRelevanceTests {
    @Test func repetition_isLeftOut() throws {
        let index = try SentenceIndex(
            SentenceSplitter().split("Grain costs much. Grain costs much! Barley grows tall. Grain costs nothing here today."))
        var work = 0
        let picked = MarginalRelevance().pick(3, from: [(0, 3), (1, 2.9), (3, 2.5), (2, 2.4)], in: index, work: &work)
        #expect(picked == [0, 2, 3])
        #expect(work > 0)
    }
}

@Suite struct QuestionTests {
    @Test func summaryOfAPointCount_isRead() {
        #expect(SummaryRequest("Summarise this in three short sentences")?.points == 3)
        #expect(SummaryRequest("When does work resume?") == nil)
        #expect(SummaryRequest("Give me 400 key points")?.points == 50)
        #expect(SummaryRequest("tl;dr") == SummaryRequest("TLDR"))
    }

    @Test func endlessQuestion_hasABoundedNumberOfTerms() {
        #expect(Question((0..<5000).map { "word\($0)" }.joined(separator: " ")).terms.count == Question.mostTerms)
    }

    @Test func greeting_isOne() {
        #expect(Question("Good morning!").isGreeting)
        #expect(!Question("Good morning, what is due?").isGreeting)
    }

    @Test func followUp_takesTermsOfTheQuestionBefore() {
        let question = Question("And when?", after: ["What is the rent?", "Hm?"])
        #expect(question.terms.map(\.surface) == ["hm"])
        #expect(Question("And when?", after: ["What is the rent?"]).terms == [.init(term: "rent", surface: "rent", weight: 0.5)])
        #expect(Question("Who pays the fee?", after: ["What is the rent?"]).terms.map(\.surface) == ["pays", "fee"])
    }

    @Test func message_isSplitIntoAskedAndTold() {
        func read(_ text: String) -> MessageReading { MessageReading(SentenceSplitter().split(text)) }
        #expect(read("My cat is old. How old is my cat?").asked.map(\.text) == ["How old is my cat?"])
        #expect(read("My cat is old. How old is my cat?").told.map(\.text) == ["My cat is old."])
        let pasted = read("Summarise: The sea is wide. Ships cross it.")
        #expect(pasted.asked.map(\.text) == ["Summarise"])
        #expect(pasted.told.map(\.text) == ["The sea is wide.", "Ships cross it."])
        #expect(pasted.told.first?.range == 11..<27)
    }
}
