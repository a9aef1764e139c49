import MillraceAWS
import MillraceCore

extension ConverseDecoder {
    /// The answer of `Converse` as the events by which `ConverseStream` would have told it.
    ///
    /// Source: `Converse`, Amazon Bedrock API Reference.
    static func events(of json: JSONValue, server: String) throws(MillraceError) -> [BedrockStreamEvent] {
        guard let blocks = json["output"]?["message"]?["content"]?.array, let reason = json["stopReason"] else {
            throw BedrockFailure.unreadable("answered without a message: check its endpoint's URL", server: server)
        }
        var events = [BedrockStreamEvent(type: "messageStart", payload: ["role": "assistant"])]
        for (number, block) in blocks.enumerated() {
            let index = JSONValue.integer(number)
            if let start = start(of: block) {
                events.append(BedrockStreamEvent(type: "contentBlockStart", payload: ["contentBlockIndex": index, "start": start]))
            }
            for delta in deltas(of: block) {
                events.append(BedrockStreamEvent(type: "contentBlockDelta", payload: ["contentBlockIndex": index, "delta": delta]))
            }
            events.append(BedrockStreamEvent(type: "contentBlockStop", payload: ["contentBlockIndex": index]))
        }
        var stop: [String: JSONValue] = ["stopReason": reason]
        stop["additionalModelResponseFields"] = json["additionalModelResponseFields"]
        events.append(BedrockStreamEvent(type: "messageStop", payload: .object(stop)))
        var metadata: [String: JSONValue] = [:]
        for name in ["usage", "metrics", "trace", "performanceConfig", "serviceTier"] { metadata[name] = json[name] }
        events.append(BedrockStreamEvent(type: "metadata", payload: .object(metadata)))
        return events
    }

    private static func start(of block: JSONValue) -> JSONValue? {
        guard case .object(var tool)? = block["toolUse"] else { return nil }
        tool["input"] = nil
        return ["toolUse": .object(tool)]
    }

    private static func deltas(of block: JSONValue) -> [JSONValue] {
        if let text = block["text"] { return [["text": text]] }
        if let tool = block["toolUse"] { return [["toolUse": ["input": .string((tool["input"] ?? [:]).text)]]] }
        if let reasoning = block["reasoningContent"] {
            if let redacted = reasoning["redactedContent"] { return [["reasoningContent": ["redactedContent": redacted]]] }
            return ["text", "signature"].compactMap { name in
                reasoning["reasoningText"]?[name].map { ["reasoningContent": [name: $0]] }
            }
        }
        if let cited = block["citationsContent"] {
            let texts = (cited["content"]?.array ?? []).compactMap { $0["text"] }.map { ["text": $0] as JSONValue }
            return texts + (cited["citations"]?.array ?? []).map { ["citation": $0] }
        }
        return []
    }
}
