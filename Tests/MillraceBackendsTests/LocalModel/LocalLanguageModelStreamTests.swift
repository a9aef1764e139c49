import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct LocalLanguageModelStreamTests {
    private let request = ask("What does the contract say about the deposit and the rent?", documents: lease)

    @Test func answer_streamsWordByWord() async throws {
        let streamed = try await run(request)
        #expect(streamed.pieces.count > 20)
        #expect(streamed.pieces.allSatisfy { $0.split(whereSeparator: \.isWhitespace).count <= 1 })
        // No piece splits a grapheme: counted apart and together they are the same.
        #expect(streamed.pieces.reduce(0) { $0 + $1.count } == streamed.text.count)
    }

    @Test func usage_isKnownFromTheStart() async throws {
        let streamed = try await run(request)
        let bytes = Lease.text.utf8.count + request.turns[0].text.utf8.count
        #expect(streamed.usages.first == Usage(promptTokens: (bytes + 3) / 4, completionTokens: 0, isEstimated: true))
        guard case .usage = streamed.events.first, case .usage = streamed.events.last else {
            Issue.record("usage is neither first nor last")
            return
        }
        let spent = Usage(promptTokens: (bytes + 3) / 4, completionTokens: (streamed.text.utf8.count + 3) / 4, isEstimated: true)
        #expect(streamed.usages.last == spent)
        #expect(streamed.response == ModelResponse(stopReason: .endTurn, usage: spent, modelID: "local"))
    }

    @Test func anyCut_givesAPrefix() async throws {
        let full = try await run(request)
        var random = SplitMix(state: 7)
        let characters = Array(full.text)
        for _ in 0..<200 {
            var cut = request
            if Bool.random(using: &random) { cut.maxTokens = Int.random(in: 0...(full.text.utf8.count / 4 + 10), using: &random) }
            if Bool.random(using: &random) {
                let start = Int.random(in: 0..<characters.count, using: &random)
                cut.stopSequences = [String(characters[start..<min(characters.count, start + Int.random(in: 1...8, using: &random))]), ""]
            }
            let streamed = try await run(cut)
            #expect(full.text.hasPrefix(streamed.text))
            #expect(full.citations.starts(with: streamed.citations))
            if let most = cut.maxTokens { #expect(try #require(streamed.response?.usage.completionTokens) <= most) }
            for sequence in cut.stopSequences where !sequence.isEmpty { #expect(!streamed.text.contains(sequence)) }
            let isWhole = streamed.text == full.text
            #expect((streamed.response?.stopReason == .endTurn) == isWhole)
        }
    }

    @Test func limits_haveTheirStopReason() async throws {
        var cut = request
        cut.maxTokens = 10
        #expect(try await run(cut).response?.stopReason == .maxTokens)
        cut.stopSequences = ["deposit"]
        #expect(try await run(cut).response?.stopReason == .stopSequence)
        cut.maxTokens = 1
        #expect(try await run(cut).response?.stopReason == .maxTokens)
    }

    @Test func cancelBetweenWords_endsAtOnceWithUsage() async throws {
        let (words, continuation) = AsyncStream.makeStream(of: Void.self)
        let calls = Locked(0)
        let model = LocalLanguageModel(pacing: {
            let count = calls.withLock { calls in
                calls += 1
                return calls
            }
            // The third pause never ends by itself: only the cancel gets the call out of it.
            guard count == 3 else { return }
            continuation.yield()
            for await _ in AsyncStream<Void>.makeStream().stream {}
        })
        let request = request
        let task = Task {
            var streamed = Streamed()
            do {
                _ = try await model.generate(request) { streamed.add($0) }
                return (streamed, false)
            } catch { return (streamed, error is CancellationError) }
        }
        var iterator = words.makeAsyncIterator()
        await iterator.next()
        task.cancel()
        let (streamed, isCancelled) = await task.value
        #expect(isCancelled)
        #expect(streamed.pieces.count == 3)
        #expect(streamed.usages.last?.completionTokens == (streamed.text.utf8.count + 3) / 4)
    }

    @Test func receiverThatThrows_endsTheCallWithItsError() async throws {
        struct Full: Error {}
        var pieces = 0
        await #expect(throws: Full.self) {
            try await LocalLanguageModel().generate(request) { event in
                guard case .text = event else { return }
                pieces += 1
                if pieces == 5 { throw Full() }
            }
        }
        #expect(pieces == 5)
    }

    @Test func largeMaterial_isAnalysedOffTheLoop() async throws {
        let executor = try BlockingExecutor(name: "analysis", threads: 1)
        let filler = (0..<2000).map { "Line \($0) speaks of grain and barley." }.joined(separator: " ")
        let documents = [ModelDocument(id: "doc_1", title: "long.txt", text: filler + " The ferry is painted green.")]
        let large = ask("What colour is the ferry painted?", documents: documents)
        #expect(try await run(large, LocalLanguageModel(blocking: executor)) == run(large))
        executor.stop()
        // A stopped executor refuses work, which shows that large material goes there and small does not.
        await #expect(throws: MillraceError.self) { try await run(large, LocalLanguageModel(blocking: executor)) }
        #expect(try await run(request, LocalLanguageModel(blocking: executor)).citations.isEmpty == false)
    }

    @Test(arguments: ["Summarise this", "What is said about grain?"])
    func analysis_endsAtAnyCheckOfACancelledCall(question: String) throws {
        let text = (0..<1500).map { "Line \($0) speaks of grain." }.joined(separator: " ")
        let request = ask(question, documents: [ModelDocument(id: "doc_1", title: "long.txt", text: text)])
        let material = Material(request, limit: 8 << 20)
        func checks(throwingAt last: Int) throws -> Int {
            var count = 0
            let answer = try? ExtractiveAnswer(material, sentenceLimit: 50_000) {
                count += 1
                if count == last { throw CancellationError() }
            }
            #expect((answer == nil) == (count == last))
            return count
        }
        let all = try checks(throwingAt: .max)
        #expect(all > 4)
        for last in 1...all { #expect(try checks(throwingAt: last) == last) }
    }

    @Test func materialAboveTheLimits_isCutAndSaid() async throws {
        let text = (0..<100).map { "Sentence \($0) is about é." }.joined(separator: " ")
        let long = ask("What is sentence 3 about?", documents: [ModelDocument(id: "doc_1", title: "long.txt", text: text)])
        let bytes = try await run(long, LocalLanguageModel(limits: .init(bytes: 1001)))
        #expect(bytes.text.contains("I looked only at the first"))
        let sentences = try await run(long, LocalLanguageModel(limits: .init(sentences: 20)))
        #expect(sentences.text.contains("I looked only at the first 20 sentences"))
    }

    @Test func twiceTheText_takesTwiceTheWork() throws {
        func work(_ sentences: Int, _ question: String) throws -> Int {
            let text = (0..<sentences).map { "Entry \($0) notes grain, barley \($0 % 97) and rye." }.joined(separator: " ")
            let request = ask(question, documents: [ModelDocument(id: "doc_1", title: "long.txt", text: text)])
            return try ExtractiveAnswer(Material(request, limit: 8 << 20), sentenceLimit: 50_000).work
        }
        for question in ["Summarise this", "What is noted about barley and rye?"] {
            let (one, two) = (try work(1500, question), try work(3000, question))
            #expect(one >= 1500 * 5)
            #expect(Double(two) / Double(one) < 2.2)
        }
    }

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }
}
