import MillraceCore
import Testing

@testable import Millrace

@Suite struct GuardrailPolicyTests {
    @Test func everyKindOfRule_isRead() throws {
        let json = try JSONValue(
            parsing: """
                {"rules": [
                  {"pii": ["email", "iban"], "action": "mask"}, {"name": "p", "words": ["a b"], "action": "block", "on": ["output"]},
                  {"pattern": "x\\\\d+", "action": "mask", "mask": "[x]"}, {"prompt_injection": true, "action": "block"},
                  {"prompt_injection": false, "action": "block"}],
                 "blocked_input_message": "no", "blocked_output_message": "nope", "guardrailIdentifier": "g", "guardrailVersion": "1",
                 "inline": true, "streaming": "async", "max_unjudged_bytes": 2000}
                """)
        let (policy, problems) = GuardrailPolicy.read(json)
        #expect(problems.isEmpty)
        #expect(policy.rules.map(\.name) == ["email", "iban", "p", "pattern", "prompt_injection"])
        #expect(policy.rules.map(\.action) == [.mask, .mask, .block, .mask, .block])
        #expect(policy.rules[2].sides == [.output] && policy.rules[4].sides == [.input])
        #expect(policy.rules.map(\.mask)[0...3] == ["{EMAIL}", "{IBAN}", "[removed]", "[x]"])
        #expect(policy.bedrock == .init(identifier: "g", version: "1", isInline: true))
        #expect(policy.streaming == .async && policy.unjudgedBytes == 2000)
        #expect(policy.blockedInputMessage == "no" && policy.blockedOutputMessage == "nope")
    }

    @Test(
        arguments: [
            (#"{"streaming": "asnyc"}"#, "guardrail.streaming", "did you mean 'async'?"),
            (#"{"inline": 1}"#, "guardrail.inline", "must be true or false"),
            (#"{"inline": true}"#, "guardrail.inline", "needs guardrailIdentifier beside it"),
            (#"{"max_unjudged_bytes": 5}"#, "guardrail.max_unjudged_bytes", "must be a number from 1,024"),
            (#"[]"#, "guardrail", "must be an object, not a"), (#"{"rulez": []}"#, "guardrail.rulez", "did you mean 'rules'?"),
            (#"{"rules": 3}"#, "guardrail.rules", "must be a list"), (#"{"rules": [3]}"#, "guardrail.rules[0]", "must be an object"),
            (#"{"rules": [{"action": "mask"}]}"#, "guardrail.rules[0]", "must have one of words, pattern, pii, prompt_injection"),
            (#"{"rules": [{"words": ["a"], "pattern": "b", "action": "mask"}]}"#, "guardrail.rules[0]", "must have one of"),
            (#"{"rules": [{"words": ["a"]}]}"#, "guardrail.rules[0].action", "must be mask or block"),
            (#"{"rules": [{"words": ["a"], "action": "musk"}]}"#, "guardrail.rules[0].action", "did you mean 'mask'?"),
            (#"{"rules": [{"words": [], "action": "mask"}]}"#, "guardrail.rules[0].words", "must be a list of 1 to 2000 texts"),
            (#"{"rules": [{"words": [" "], "action": "mask"}]}"#, "guardrail.rules[0].words", "is no word that can be looked for"),
            (#"{"rules": [{"pattern": "a(", "action": "mask"}]}"#, "guardrail.rules[0].pattern", "character 2: this '(' has no ')'"),
            (#"{"rules": [{"pii": ["emial"], "action": "mask"}]}"#, "guardrail.rules[0].pii", "did you mean 'email'?"),
            (#"{"rules": [{"prompt_injection": 1, "action": "mask"}]}"#, "guardrail.rules[0].prompt_injection", "true or false"),
            (#"{"rules": [{"words": ["a"], "action": "mask", "on": ["inptu"]}]}"#, "guardrail.rules[0].on", "did you mean 'input'?"),
            (#"{"rules": [{"words": ["a"], "action": "mask", "musk": "x"}]}"#, "guardrail.rules[0].musk", "did you mean 'mask'?"),
            (#"{"guardrailVersion": "1"}"#, "guardrail.guardrailVersion", "needs guardrailIdentifier"),
            (#"{"guardrailIdentifier": "g", "guardrailVersion": "0"}"#, "guardrail.guardrailVersion", "DRAFT or a number from 1"),
            (#"{"blocked_input_message": ""}"#, "guardrail.blocked_input_message", "1 to 1,000 bytes"),
        ])
    func wrongGuardrail_saysWhatAndWhere(json: String, field: String, part: String) throws {
        let problems = GuardrailPolicy.read(try JSONValue(parsing: json)).problems
        #expect(problems.count == 1)
        #expect(problems.first?.field == field)
        #expect(problems.first?.message.contains(part) == true, "\(problems)")
    }

    @Test func rules_haveALimit() throws {
        let rule: JSONValue = ["words": ["a"], "action": "mask"]
        #expect(GuardrailPolicy.read(["rules": .array(Array(repeating: rule, count: 200))]).problems.isEmpty)
        let (policy, problems) = GuardrailPolicy.read(["rules": .array(Array(repeating: rule, count: 201))])
        #expect(problems.map(\.message) == ["has 201 rules, at most 200"])
        #expect(policy.rules.count == 200)
    }
}
