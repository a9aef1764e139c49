public import MillraceCore

/// A guardrail: the rules that are applied to what goes into a handler and to what comes out.
///
/// It is a part of a handler's stored configuration, under `guardrail`:
/// ```json
/// {"rules": [
///   {"pii": ["email", "credit_card"], "action": "mask"},
///   {"name": "projects", "words": ["Project Falcon"], "action": "block"},
///   {"name": "tickets", "pattern": "ACME-\\d{4,8}", "action": "mask", "mask": "[ticket]", "on": ["output"]},
///   {"prompt_injection": true, "action": "block"}],
///  "guardrailIdentifier": "abcdefghijkl", "guardrailVersion": "1", "blocked_input_message": "I can't help with that.", "blocked_output_message": "…"}
/// ```
public struct GuardrailPolicy: Sendable {
    /// The rules, of which an earlier one wins over a later one where both match equally much.
    public var rules: [GuardrailRule]
    /// What the reader is told when the user's message is blocked.
    public var blockedInputMessage = "The message was blocked by a guardrail."
    /// What the reader is told when the answer is blocked.
    public var blockedOutputMessage = "The answer was blocked by a guardrail."

    /// A guardrail of Amazon Bedrock that judges whole texts beside the rules.
    public struct Bedrock: Equatable, Sendable {
        /// Its id or ARN.
        public var identifier: String
        /// A number, or `DRAFT`.
        public var version: String
        /// Whether calls of Bedrock's models carry it as well (default: they do not).
        public var isInline = false
    }

    /// A guardrail of Amazon Bedrock, for every model (default: none).
    public var bedrock: Bedrock?

    /// When readers get the text of an answer.
    public enum Streaming: String, Equatable, Sendable, CaseIterable {
        /// Once it is judged.
        case hold
        /// At once; what a judgement forbids is taken back.
        case async
    }

    /// When readers get the text of an answer (default: once it is judged).
    public var streaming = Streaming.hold
    /// With ``Streaming/async``, how much text may run ahead of a guardrail elsewhere, in bytes (default: 8,192).
    public var unjudgedBytes = GuardrailPolicy.defaultUnjudgedBytes
    package static let defaultUnjudgedBytes = 8_192

    /// The most rules of one guardrail.
    public static let ruleLimit = 200
    /// The most words of one rule.
    public static let wordLimit = 2000

    /// Creates a guardrail.
    public init(rules: [GuardrailRule]) { self.rules = rules }

    /// What is wrong with a stored guardrail: the member and what was expected.
    public struct Problem: Equatable, Sendable {
        /// Where, such as `guardrail.rules[2].pattern`.
        public var field: String
        /// What was expected.
        public var message: String
        package init(field: String, message: String) {
            self.field = field
            self.message = message
        }
    }

    /// Reads a stored guardrail.
    /// - Returns: the policy as far as it is right, and everything that is wrong.
    public static func read(_ json: JSONValue) -> (policy: GuardrailPolicy, problems: [Problem]) {
        var reader = Reader()
        return (reader.policy(json), reader.problems)
    }

    private struct Reader {
        var problems: [Problem] = []

        mutating func note(_ field: String, _ message: String) { problems.append(Problem(field: field, message: message)) }

        mutating func policy(_ json: JSONValue) -> GuardrailPolicy {
            var policy = GuardrailPolicy(rules: [])
            guard let members = json.object else {
                note("guardrail", "must be an object, not a \(json.kindName)")
                return policy
            }
            let known = [
                "rules", "blocked_input_message", "blocked_output_message", "guardrailIdentifier", "guardrailVersion", "inline",
                "streaming",
                "max_unjudged_bytes",
            ]
            policy.bedrock = bedrock(members)
            if let mode = text(members, "streaming", in: "guardrail") {
                policy.streaming = name(mode, "guardrail.streaming", Streaming.self) ?? policy.streaming
            }
            if let bytes = members["max_unjudged_bytes"], !bytes.isNull {
                if let bytes = bytes.integer, (1_024...1_048_576).contains(bytes) {
                    policy.unjudgedBytes = bytes
                } else {
                    note("guardrail.max_unjudged_bytes", "must be a number from 1,024 to 1,048,576")
                }
            }
            for name in members.keys.sorted() where !known.contains(name) {
                note("guardrail.\(name)", "is not known" + Suggestion.phrase(for: name, among: known))
            }
            if let text = text(members, "blocked_input_message", in: "guardrail") { policy.blockedInputMessage = text }
            if let text = text(members, "blocked_output_message", in: "guardrail") { policy.blockedOutputMessage = text }
            switch members["rules"] {
            case nil, .null: break
            case .array(let rules):
                if rules.count > GuardrailPolicy.ruleLimit {
                    note("guardrail.rules", "has \(rules.count) rules, at most \(GuardrailPolicy.ruleLimit)")
                }
                for (index, rule) in rules.prefix(GuardrailPolicy.ruleLimit).enumerated() {
                    policy.rules += self.rules(rule, "guardrail.rules[\(index)]")
                }
            case .some(let other): note("guardrail.rules", "must be a list, not a \(other.kindName)")
            }
            return policy
        }

        /// The members that the API of Bedrock calls so.
        private mutating func bedrock(_ members: [String: JSONValue]) -> Bedrock? {
            let version = text(members, "guardrailVersion", in: "guardrail")
            var isInline = false
            switch members["inline"] {
            case nil, .null: break
            case .bool(let value): isInline = value
            case .some: note("guardrail.inline", "must be true or false")
            }
            guard let identifier = text(members, "guardrailIdentifier", in: "guardrail") else {
                if version != nil { note("guardrail.guardrailVersion", "needs guardrailIdentifier beside it") }
                if isInline { note("guardrail.inline", "needs guardrailIdentifier beside it") }
                return nil
            }
            if let version, version != "DRAFT", Int(version).map({ $0 < 1 }) ?? true {
                note("guardrail.guardrailVersion", "must be DRAFT or a number from 1")
            }
            return Bedrock(identifier: identifier, version: version ?? "DRAFT", isInline: isInline)
        }

        private mutating func text(_ members: [String: JSONValue], _ name: String, in place: String) -> String? {
            guard let value = members[name], !value.isNull else { return nil }
            guard let text = value.string, !text.isEmpty, text.utf8.count <= 1000 else {
                note("\(place).\(name)", "must be a text of 1 to 1,000 bytes")
                return nil
            }
            return text
        }

        private mutating func texts(_ value: JSONValue, _ field: String, limit: Int) -> [String]? {
            guard let items = value.array, !items.isEmpty, items.count <= limit, case let texts = items.compactMap(\.string),
                texts.count == items.count
            else {
                note(field, "must be a list of 1 to \(limit) texts")
                return nil
            }
            return texts
        }

        private mutating func name<Value: RawRepresentable<String> & CaseIterable>(_ text: String, _ field: String, _ type: Value.Type)
            -> Value?
        {
            let names = Value.allCases.map(\.rawValue)
            if let value = Value(rawValue: text) { return value }
            let meant = Suggestion.closest(to: text, among: names).map { "; did you mean '\($0)'?" } ?? ""
            note(field, "must be one of \(names.joined(separator: ", "))\(meant)")
            return nil
        }

        /// A stored rule, which is several where it names several kinds of personal data.
        private mutating func rules(_ json: JSONValue, _ place: String) -> [GuardrailRule] {
            guard let members = json.object else {
                note(place, "must be an object, not a \(json.kindName)")
                return []
            }
            let kinds = ["words", "pattern", "pii", "prompt_injection"]
            let known = kinds + ["name", "action", "mask", "on"]
            for name in members.keys.sorted() where !known.contains(name) {
                note("\(place).\(name)", "is not known" + Suggestion.phrase(for: name, among: known))
            }
            let given = kinds.filter { members[$0].map { !$0.isNull } ?? false }
            guard given.count == 1, let kind = given.first, let value = members[kind] else {
                note(place, "must have one of \(kinds.joined(separator: ", "))")
                return []
            }
            let action = text(members, "action", in: place).flatMap { name($0, "\(place).action", GuardrailRule.Action.self) }
            if members["action"].map(\.isNull) ?? true { note("\(place).action", "must be mask or block") }
            let mask = text(members, "mask", in: place)
            let title = text(members, "name", in: place)
            var sides: Set<GuardrailRule.Side>?
            if let on = members["on"], !on.isNull, let texts = texts(on, "\(place).on", limit: 2) {
                sides = Set(texts.compactMap { name($0, "\(place).on", GuardrailRule.Side.self) })
            }
            guard let action else { return [] }
            return rules(kind, value, place, title, action, sides, mask)
        }

        private mutating func rules(
            _ kind: String, _ value: JSONValue, _ place: String, _ title: String?, _ action: GuardrailRule.Action,
            _ sides: Set<GuardrailRule.Side>?, _ mask: String?
        ) -> [GuardrailRule] {
            let both: Set<GuardrailRule.Side> = [.input, .output]
            do throws(MillraceError) {
                switch kind {
                case "words":
                    guard let words = texts(value, "\(place).words", limit: GuardrailPolicy.wordLimit) else { return [] }
                    return [try GuardrailRule(name: title ?? "words", words: words, action: action, sides: sides ?? both, mask: mask)]
                case "pattern":
                    guard let pattern = value.string, (1...1000).contains(pattern.utf8.count) else {
                        note("\(place).pattern", "must be a text of 1 to 1,000 bytes")
                        return []
                    }
                    return [try GuardrailRule(name: title ?? "pattern", pattern: pattern, action: action, sides: sides ?? both, mask: mask)]
                case "pii":
                    guard let names = texts(value, "\(place).pii", limit: PersonalData.allCases.count) else { return [] }
                    return names.compactMap { text in
                        name(text, "\(place).pii", PersonalData.self).map {
                            GuardrailRule(personalData: $0, action: action, sides: sides ?? both, mask: mask)
                        }
                    }
                default:
                    guard case .bool(let isOn) = value else {
                        note("\(place).prompt_injection", "must be true or false")
                        return []
                    }
                    return isOn ? [GuardrailRule(promptInjection: action, sides: sides ?? [.input], mask: mask)] : []
                }
            } catch {
                note("\(place).\(kind)", error.message)
                return []
            }
        }
    }
}
