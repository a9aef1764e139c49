import Millrace
import MillraceAWS
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceBackends

/// No member of what the API answers is lost unnoticed: one either changes what the decoder makes of an answer, or stands on a list with the
/// reason why not. The members are those of botocore's service model.
@Suite(.ownThreads) struct BedrockFieldCoverageTests {
    private struct Model {
        let shapes: [String: JSONValue]
        let roots: [String: String]
        let stopReasons: [String]

        init(_ json: JSONValue) throws {
            shapes = try #require(json["shapes"]?.object)
            roots = try #require(json["roots"]?.object).compactMapValues(\.string)
            stopReasons = try #require(json["stop_reasons"]?.array).compactMap(\.string)
        }

        /// All members below a shape, but for what is ignored or handed on whole.
        func members(below root: String) -> Set<String> {
            var found: Set<String> = []
            var seen: Set<String> = []
            var waiting = [root]
            while let name = waiting.popLast() {
                guard seen.insert(name).inserted, !ConverseDecoder.wholeStructures.contains(name), let shape = shapes[name] else {
                    continue
                }
                if let element = shape["elements"]?.string { waiting.append(element) }
                for (member, shape) in shape["members"]?.object ?? [:] {
                    found.insert("\(name).\(member)")
                    if ConverseDecoder.ignoredMembers["\(name).\(member)"] == nil { waiting.append(shape.string ?? "") }
                }
            }
            return found
        }
    }

    private enum Step {
        case member(String)
        case element(Int)
    }

    private static func model() throws -> Model? {
        guard try BedrockServer.isAvailable() else { return nil }
        let process = try CounterpartProcess([Counterpart.python, Counterpart.script("bedrock_structures.py")])
        defer { process.stop() }
        return try Model(try JSONValue(parsing: try process.waitForLine { $0.hasPrefix("{") }))
    }

    /// Every member below a value: its place and its name.
    private static func members(_ value: JSONValue, _ shape: String, _ model: Model, _ path: [Step] = []) -> [(path: [Step], name: String)]
    {
        guard !ConverseDecoder.wholeStructures.contains(shape), let known = model.shapes[shape] else { return [] }
        if let element = known["elements"]?.string {
            return (value.array ?? []).enumerated().flatMap { members($1, element, model, path + [.element($0)]) }
        }
        guard let shapes = known["members"]?.object, let object = value.object else { return [] }
        return object.flatMap { member, inner in
            let name = "\(shape).\(member)"
            let here = path + [.member(member)]
            let isEntered = ConverseDecoder.ignoredMembers[name] == nil
            return [(here, name)] + (isEntered ? members(inner, shapes[member]?.string ?? "", model, here) : [])
        }
    }

    private static func changed(_ value: JSONValue) -> JSONValue {
        switch value {
        case .bool(let flag): .bool(!flag)
        case .integer(let number): .integer(number + 1)
        case .double(let number): .double(number + 1)
        case .string(let text): .string(text + "x")
        case .null: "other"
        case .array, .object: .null
        }
    }

    private static func replacing(_ value: JSONValue, at path: ArraySlice<Step>) -> JSONValue {
        guard let step = path.first else { return changed(value) }
        switch (step, value) {
        case (.member(let name), .object(var members)):
            members[name] = members[name].map { replacing($0, at: path.dropFirst()) }
            return .object(members)
        case (.element(let index), .array(var elements)):
            elements[index] = replacing(elements[index], at: path.dropFirst())
            return .array(elements)
        default: return value
        }
    }

    private func check(read: Set<String>, seen: Set<String>, wanted: Set<String>) {
        let ignored = Set(ConverseDecoder.ignoredMembers.keys)
        #expect(wanted.subtracting(read).subtracting(ignored).sorted() == [], "on neither list")
        #expect(read.intersection(ignored).sorted() == [], "listed as ignored, but read")
        #expect(seen.subtracting(wanted).sorted() == [], "in an example, and not in the service's model")
    }

    @Test func everyMemberOfAStream_isReadOrOnTheList() throws {
        guard let model = try Self.model(), let root = model.roots["ConverseStream"] else { return }
        var read: Set<String> = []
        var seen: Set<String> = []
        for stream in BedrockStreams.all {
            let expected = try BedrockDecoded(stream)
            for (number, event) in stream.enumerated() {
                let json: JSONValue = [event.type: event.payload]
                for (path, name) in Self.members(json, root, model) {
                    seen.insert(name)
                    var other = stream
                    other[number].payload = Self.replacing(json, at: path[...])[event.type] ?? .null
                    if try BedrockDecoded(other) != expected { read.insert(name) }
                }
            }
        }
        check(read: read, seen: seen, wanted: model.members(below: root))
        #expect(read.count > 40)
    }

    @Test func everyMemberOfAWholeAnswer_isReadOrOnTheList() throws {
        guard let model = try Self.model(), let root = model.roots["Converse"] else { return }
        let expected = try BedrockDecoded(whole: BedrockStreams.whole)
        var read: Set<String> = []
        var seen: Set<String> = []
        for (path, name) in Self.members(BedrockStreams.whole, root, model) {
            seen.insert(name)
            if try BedrockDecoded(whole: Self.replacing(BedrockStreams.whole, at: path[...])) != expected { read.insert(name) }
        }
        check(read: read, seen: seen, wanted: model.members(below: root))
    }

    @Test func list_holdsWhatThereIs_withReasons() throws {
        guard let model = try Self.model() else { return }
        let there = model.roots.values.reduce(into: Set<String>()) { $0.formUnion(model.members(below: $1)) }
        #expect(Set(ConverseDecoder.ignoredMembers.keys).subtracting(there).sorted() == [], "listed, but in no answer")
        for reason in ConverseDecoder.ignoredMembers.values { #expect(reason.count > 10) }
    }

    @Test func everyStopReason_isKnown() throws {
        guard let model = try Self.model() else { return }
        for name in model.stopReasons {
            let stream = BedrockStreams.text.map { $0.type == "messageStop" ? BedrockStreams.end(name) : $0 }
            let decoded = try BedrockDecoded(stream)
            #expect((decoded.error == nil) == !name.hasPrefix("malformed_"))
        }
        #expect(
            Set(model.stopReasons) == [
                "end_turn", "tool_use", "max_tokens", "stop_sequence", "guardrail_intervened", "content_filtered", "malformed_model_output",
                "malformed_tool_use", "model_context_window_exceeded",
            ], "the service has another stop reason: map it")
    }
}
