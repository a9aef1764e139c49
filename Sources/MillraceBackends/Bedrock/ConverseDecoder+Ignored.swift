extension ConverseDecoder {
    /// The members of answers that the decoder leaves out, with all that is below them, each with the reason. Names are those of the API's
    /// shapes and members.
    static let ignoredMembers: [String: String] = {
        let thrown = "the client throws it as an error"
        let atService = "a tool that runs at the service; what the model makes of it follows as text"
        let media = "Millrace has no event for what a model draws or speaks"
        let inRequests = "only requests have it"
        let place = "a citation names its source and words; Millrace has no place for offsets"
        return [
            "ConverseStreamOutput.messageStart": "says that the assistant speaks, as its first block does",
            "ConverseStreamOutput.internalServerException": thrown,
            "ConverseStreamOutput.modelStreamErrorException": thrown,
            "ConverseStreamOutput.validationException": thrown,
            "ConverseStreamOutput.throttlingException": thrown,
            "ConverseStreamOutput.serviceUnavailableException": thrown,
            "ContentBlockStart.toolResult": atService,
            "ContentBlockStart.image": media,
            "ContentBlockDelta.toolResult": atService,
            "ContentBlockDelta.image": media,
            "Message.role": "always the assistant's",
            "ContentBlock.image": media,
            "ContentBlock.video": media,
            "ContentBlock.audio": media,
            "ContentBlock.document": inRequests,
            "ContentBlock.toolResult": atService,
            "ContentBlock.guardContent": inRequests,
            "ContentBlock.cachePoint": inRequests,
            "ContentBlock.searchResult": inRequests,
            "ContentBlock.toolAddition": inRequests,
            "ContentBlock.toolRemoval": inRequests,
            "DocumentCharLocation.start": place,
            "DocumentCharLocation.end": place,
            "DocumentPageLocation.end": "a citation has one page, its first",
            "DocumentChunkLocation.start": place,
            "DocumentChunkLocation.end": place,
            "SearchResultLocation.start": place,
            "SearchResultLocation.end": place,
            "TokenUsage.cacheDetails": "a breakdown of counts that are already in the totals",
        ]
    }()

    /// The structures that are handed on whole in ``ModelResponse/providerMetadata``.
    static let wholeStructures: Set<String> = ["GuardrailTraceAssessment"]
}
