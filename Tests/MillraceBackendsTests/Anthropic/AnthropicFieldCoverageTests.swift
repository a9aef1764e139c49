import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

/// No member of what the API streams is lost unnoticed: one either changes what the decoder makes of the stream, or stands on a list with
/// the reason why not.
@Suite struct AnthropicFieldCoverageTests {
    private enum Step {
        case member(String)
        case element(Int)
    }

    /// Every member of every object below `value`: its path, and its name as the list writes it. The inside of tool arguments belongs to
    /// tools, and what is ignored whole is not entered.
    private static func members(_ value: JSONValue, holder: String, path: [Step] = []) -> [(path: [Step], name: String)] {
        if case .array(let elements) = value {
            return elements.enumerated().flatMap { members($1, holder: holder, path: path + [.element($0)]) }
        }
        guard case .object(let object) = value else { return [] }
        let kind = object["type"]?.string ?? holder
        return object.flatMap { member, inner in
            let name = "\(kind).\(member)"
            let here = path + [.member(member)]
            let isEntered = MessagesDecoder.ignoredFields[name] == nil && member != "input"
            let isBlock = inner["type"]?.string.map { MessagesDecoder.ignoredBlocks[$0] != nil } ?? false
            return [(here, name)] + (isEntered && !isBlock ? members(inner, holder: member, path: here) : [])
        }
    }

    private static func changed(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null: "other"
        case .bool(let flag): .bool(!flag)
        case .integer(let number): .integer(number + 1)
        case .double(let number): .double(number + 1)
        case .string(let text): .string(text + "x")
        case .array: .null
        case .object: .null
        }
    }

    private static func replacing(_ value: JSONValue, at path: ArraySlice<Step>) -> JSONValue {
        guard let step = path.first else { return changed(value) }
        let rest = path.dropFirst()
        switch (step, value) {
        case (.member(let name), .object(var members)):
            members[name] = members[name].map { replacing($0, at: rest) }
            return .object(members)
        case (.element(let index), .array(var elements)):
            elements[index] = replacing(elements[index], at: rest)
            return .array(elements)
        default: return value
        }
    }

    @Test func everyMember_isReadOrOnTheList() throws {
        var read: Set<String> = []
        var seen: Set<String> = []
        var wronglyListed: Set<String> = []
        var blocks: Set<String> = []
        for stream in AnthropicStreams.all {
            let expected = try AnthropicDecoded(stream)
            for (number, event) in stream.enumerated() {
                if let kind = event["content_block"]?["type"]?.string, MessagesDecoder.ignoredBlocks[kind] != nil { blocks.insert(kind) }
                for (path, name) in Self.members(event, holder: "event") {
                    seen.insert(name)
                    // The SSE message keeps its event name, so the `type` of an event is read in the data or not at all.
                    var messages = stream.map { SSEMessage(event: $0["type"]?.string ?? "", data: $0.text) }
                    messages[number].data = Self.replacing(event, at: path[...]).text
                    guard try AnthropicDecoded(messages: messages) != expected else { continue }
                    read.insert(name)
                    if MessagesDecoder.ignoredFields[name] != nil { wronglyListed.insert(name) }
                }
            }
        }
        let listed = Set(MessagesDecoder.ignoredFields.keys)
        let lost = seen.subtracting(read).subtracting(listed)
        // `ping` says nothing but that it is one; the citation of an unknown kind is there to be passed over.
        let known = lost.filter { !$0.hasPrefix("ping.") && !$0.hasPrefix("hologram_location.") }
        #expect(known.sorted() == [], "on neither list")
        #expect(wronglyListed.sorted() == [], "listed as ignored, but read")
        #expect(listed.subtracting(seen).sorted() == [], "listed as ignored, but in no stream")
        #expect(Set(MessagesDecoder.ignoredBlocks.keys).subtracting(blocks).sorted() == [], "listed blocks that are in no stream")
        #expect(read.count > 40)
    }

    @Test func everyIgnoredMember_hasAReason() {
        for (name, reason) in MessagesDecoder.ignoredFields { #expect(!reason.isEmpty && name.split(separator: ".").count == 2) }
        for reason in MessagesDecoder.ignoredBlocks.values { #expect(!reason.isEmpty) }
    }
}
