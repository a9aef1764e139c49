import Millrace
import MillraceBackends
import MillraceCore
import MillraceServer

struct StoryModel: CustomModelAdapter {
    let id = "stories"
    let url = "https://stories.example.com/v2/continue"
    let headers: [CustomHeader]
    let format = CustomResponseFormat.jsonLines
    let completion = CustomCompletion.stopReason

    init(key: Credential) { headers = [CustomHeader("Authorization", prefix: "Key ", credential: key)] }

    func body(for request: ModelRequest) throws -> JSONValue {
        ["text": .string(ConversationText(request).prompt), "length": .integer(request.maxTokens ?? 500)]
    }
    func events(in payload: JSONValue) throws -> [ModelEvent] {
        if let words = payload["words"]?.string { return [.text(words)] }
        guard let count = payload["count"]?.integer else { return [] }
        return [.usage(Usage(completionTokens: count))]
    }
    func stopReason(in payload: JSONValue) throws -> StopReason? { payload["the_end"]?.bool == true ? .endTurn : nil }
    func errorMessage(in payload: JSONValue) -> String? { payload["problem"]?.string }
}

func storyServer(key: String) throws -> Server {
    let stories = try CustomLanguageModel(StoryModel(key: Credential(key)))
    let server = try Server(settings: ServerSettings(), models: [stories])
    return server
}
