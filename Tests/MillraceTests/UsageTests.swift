import Millrace
import Testing

@Suite struct UsageTests {
    @Test func figuresThatDoNotFit_areTheMostThatDoes() {
        #expect(Usage(promptTokens: .max, completionTokens: 1).totalTokens == .max)
        let sum = Usage(promptTokens: .max, completionTokens: .min) + Usage(promptTokens: 1, completionTokens: -1)
        #expect(sum.promptTokens == .max && sum.completionTokens == .min)
    }
}
