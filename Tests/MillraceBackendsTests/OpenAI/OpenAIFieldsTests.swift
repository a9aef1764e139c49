import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

/// No field that a server sends is overlooked: each is mapped, or left for a reason.
@Suite struct OpenAIFieldsTests {
    private static func paths(_ json: JSONValue, _ path: String = "") -> Set<String> {
        switch json {
        case .object(let members):
            members.reduce(into: []) { all, member in
                let path = path.isEmpty ? member.key : "\(path).\(member.key)"
                all.insert(path)
                all.formUnion(paths(member.value, path))
            }
        case .array(let elements): elements.reduce(into: []) { $0.formUnion(paths($1, path + "[]")) }
        default: []
        }
    }

    private static func isKnown(_ path: String) -> Bool {
        let path = path.replacing("choices[].message", with: "choices[].delta").replacing("choices[].usage.", with: "usage.")
        if ChatCompletionDecoder.mappedFields.contains(path) { return true }
        return ChatCompletionDecoder.ignoredFields.keys.contains { path == $0 || path.hasPrefix($0 + ".") || path.hasPrefix($0 + "[]") }
    }

    private static func recordedPaths() throws -> Set<String> {
        var all: Set<String> = []
        for stream in OpenAIRecordedStream.all {
            var parser = SSEParser()
            for message in try parser.receive(Array(stream.text.utf8)) where message.data != "[DONE]" {
                all.formUnion(paths(try JSONValue(parsing: message.data)))
            }
        }
        return all
    }

    @Test(arguments: OpenAIRecordedStream.all)
    func everyFieldOfARecordedChunk_isMappedOrLeftForAReason(stream: OpenAIRecordedStream) throws {
        var parser = SSEParser()
        for message in try parser.receive(Array(stream.text.utf8)) where message.data != "[DONE]" {
            for path in Self.paths(try JSONValue(parsing: message.data)).sorted() {
                #expect(Self.isKnown(path), "\(path) is neither mapped nor ignored")
            }
        }
    }

    @Test func noFieldIsOnBothLists_andEveryReasonSaysSomething() {
        #expect(ChatCompletionDecoder.mappedFields.isDisjoint(with: ChatCompletionDecoder.ignoredFields.keys))
        #expect(ChatCompletionDecoder.ignoredFields.values.allSatisfy { $0.count > 10 })
    }

    /// The reference's fields, by name, so that a list that loses one is found out without a recording.
    @Test func everyFieldOfTheReference_isKnown() {
        let reference = [
            "id", "choices", "created", "model", "object", "moderation", "obfuscation", "service_tier", "system_fingerprint", "usage",
            "choices[].delta", "choices[].index", "choices[].finish_reason", "choices[].logprobs", "choices[].delta.audio",
            "choices[].delta.content", "choices[].delta.function_call", "choices[].delta.refusal", "choices[].delta.role",
            "choices[].delta.tool_calls", "choices[].delta.tool_calls[].index", "choices[].delta.tool_calls[].id",
            "choices[].delta.tool_calls[].function", "choices[].delta.tool_calls[].function.arguments",
            "choices[].delta.tool_calls[].function.name", "choices[].delta.tool_calls[].type", "choices[].delta.function_call.arguments",
            "choices[].delta.function_call.name", "choices[].logprobs.content", "choices[].logprobs.refusal", "usage.completion_tokens",
            "usage.prompt_tokens", "usage.total_tokens", "usage.completion_tokens_details.reasoning_tokens",
            "usage.prompt_tokens_details.cached_tokens", "usage.prompt_tokens_details.cache_write_tokens", "choices[].message.annotations",
        ]
        for path in reference { #expect(Self.isKnown(path), "\(path)") }
        #expect(!Self.isKnown("choices[].delta.something_new"))
    }

    /// A field that is said to be mapped changes what comes out when it is taken away, in at least one recording.
    @Test func everyMappedFieldOfARecording_matters() throws {
        // These matter only in answers that other tests make up.
        let others: Set<String> = [
            "error", "choices[].error", "choices[].message", "choices[].native_finish_reason", "choices[].index",
            "choices[].delta.reasoning_details[].text", "choices[].delta.tool_calls[].index", "usage.total_tokens",
        ]
        for path in ChatCompletionDecoder.mappedFields.subtracting(others).sorted() {
            let matters = try OpenAIRecordedStream.all.contains { stream in
                var parser = SSEParser()
                let whole = try parser.receive(Array(stream.text.utf8)).map(\.data)
                let less = try whole.map { data in
                    data == "[DONE]"
                        ? data : Self.without(path.split(separator: ".").map(String.init)[...], try JSONValue(parsing: data)).text
                }
                return Self.outcome(whole) != Self.outcome(less)
            }
            #expect(matters, "\(path) is said to be mapped and changes nothing")
        }
        #expect(others.isSubset(of: ChatCompletionDecoder.mappedFields))
    }

    private static func without(_ path: ArraySlice<String>, _ json: JSONValue) -> JSONValue {
        guard let step = path.first, case .object(var members) = json else { return json }
        let isList = step.hasSuffix("[]")
        let name = isList ? String(step.dropLast(2)) : step
        if path.count == 1, !isList {
            members[name] = nil
        } else if isList, let elements = members[name]?.array {
            members[name] = .array(elements.map { without(path.dropFirst(), $0) })
        } else if let value = members[name] {
            members[name] = without(path.dropFirst(), value)
        }
        return .object(members)
    }

    private static func outcome(_ messages: [String]) -> OpenAIOutcome {
        var outcome = OpenAIOutcome()
        var decoder = ChatCompletionDecoder(modelID: "m-1", provider: "p", makeID: { "made" })
        do throws(MillraceError) {
            for message in messages { outcome.events += try decoder.receive(message) }
            let (calls, response) = try decoder.finish()
            outcome.events += calls.map { .toolCall($0) }
            outcome.response = response
        } catch { outcome.error = error }
        return outcome
    }
}
