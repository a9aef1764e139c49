import MillraceCore

/// Says in which places a request differs from a recorded one. Pure.
enum RecordingDifference {
    /// The places, each as `$.messages[0].content: "a" was recorded, "b" is asked`.
    /// - Parameter limit: how many are looked for.
    static func places(recorded: RecordedBody, asked: RecordedBody, limit: Int = 100) -> [String] {
        var places: [String] = []
        if case .json(let old) = recorded, case .json(let new) = asked {
            compare(old, new, at: "$", limit, &places)
        } else if recorded != asked {
            places.append("the body: \(shown(recorded)) was recorded, \(shown(asked)) is asked")
        }
        return places
    }

    private static func compare(_ old: JSONValue?, _ new: JSONValue?, at path: String, _ limit: Int, _ places: inout [String]) {
        guard old != new, places.count < limit else { return }
        switch (old, new) {
        case (.object(let old), .object(let new)):
            for name in Set(old.keys).union(new.keys).sorted() { compare(old[name], new[name], at: "\(path).\(name)", limit, &places) }
        case (.array(let old), .array(let new)):
            for index in 0..<max(old.count, new.count) {
                compare(JSONValue.array(old)[index], JSONValue.array(new)[index], at: "\(path)[\(index)]", limit, &places)
            }
        default: places.append("\(path): \(shown(old)) was recorded, \(shown(new)) is asked")
        }
    }

    private static func shown(_ value: JSONValue?) -> String { value.map { shortened($0.text) } ?? "nothing" }

    private static func shown(_ body: RecordedBody) -> String {
        switch body {
        case .none: "nothing"
        case .json(let value): shortened(value.text)
        case .text(let text): shortened("\"\(text)\"")
        case .binary(let bytes): "\(bytes.count) bytes that are no text"
        }
    }

    private static func shortened(_ text: String) -> String {
        text.unicodeScalars.count > 80 ? String(String.UnicodeScalarView(text.unicodeScalars.prefix(79))) + "…" : text
    }
}
