import Millrace
import MillraceBackends
import MillraceCore
import Testing

@Suite struct PricedLanguageModelTests {
    @Test(
        arguments: [
            (Usage(promptTokens: 1_000_000, completionTokens: 0), 2.0), (Usage(promptTokens: 0, completionTokens: 1_000_000), 8.0),
            (Usage(promptTokens: 1_000_000, completionTokens: 0, cachedPromptTokens: 400_000), 1.4),
            (Usage(promptTokens: 100, completionTokens: 10, cachedPromptTokens: 200), 0.00013), (Usage(promptTokens: 5), nil),
            (Usage(completionTokens: 5), nil), (Usage(totalTokens: 5), nil), (.unknown, nil),
        ] as [(Usage, Double?)])
    func cost_isByTheMillion_andUnknownWhereTokensAre(usage: Usage, cost: Double?) throws {
        let price = try ModelPrice(prompt: 2, cachedPrompt: 0.5, completion: 8)
        guard let cost else {
            #expect(price.cost(of: usage) == nil)
            return
        }
        let actual = try #require(price.cost(of: usage))
        #expect(abs(actual - cost) < 1e-12)
    }

    @Test func cachedTokens_costTheSameUnlessPriced() throws {
        let price = try ModelPrice(prompt: 2, completion: 8)
        #expect(price.cost(of: Usage(promptTokens: 1_000_000, completionTokens: 0, cachedPromptTokens: 1_000_000)) == 2)
    }

    @Test(arguments: [-1.0, .infinity, .nan])
    func priceThatIsNone_isRefused(price: Double) {
        #expect(throws: MillraceError.self) { try ModelPrice(prompt: price, completion: 1) }
        #expect(throws: MillraceError.self) { try ModelPrice(prompt: 1, cachedPrompt: price, completion: 1) }
        #expect(throws: MillraceError.self) { try ModelPrice(prompt: 1, completion: price) }
    }

    @Test func eventsAndResponse_carryTheCost_andAReportedOneIsKept() async throws {
        let counted = Usage(promptTokens: 1_000_000, completionTokens: 0)
        var reported = counted
        reported.estimatedCost = 0.25
        let price = try ModelPrice(prompt: 2, completion: 8)
        for (usage, cost) in [(counted, 2.0), (reported, 0.25)] {
            let model = PricedLanguageModel(ScriptedLanguageModel(id: "m", [.text("x"), .usage(usage)]), price: price)
            var events: [ModelEvent] = []
            let response = try await model.generate(ModelRequest(turns: [])) { events.append($0) }
            var expected = usage
            expected.estimatedCost = cost
            #expect(events == [.text("x"), .usage(expected)])
            #expect(response.usage == expected)
            #expect(model.id == "m")
        }
    }

    @Test func costs_addUpOverAFallback() async throws {
        let broken = ScriptedLanguageModel(
            id: "a", [.usage(Usage(promptTokens: 1_000_000, completionTokens: 0))],
            failure: .init(afterEvents: 1, error: MillraceError(.modelError, "x")))
        let fine = ScriptedLanguageModel(id: "b", [.usage(Usage(promptTokens: 1_000_000, completionTokens: 0))])
        let model = FallbackLanguageModel(
            id: "f",
            models: [
                PricedLanguageModel(broken, price: try ModelPrice(prompt: 3, completion: 0)),
                PricedLanguageModel(fine, price: try ModelPrice(prompt: 1, completion: 0)),
            ])
        let response = try await model.generate(ModelRequest(turns: [])) { _ in }
        #expect(response.usage.estimatedCost == 4)
    }
}
