import Millrace
import MillraceCore
import MillraceCounterparts
import MillraceServer
import Testing

extension IntegrationTests {
    /// `chat` with tools, over HTTP, with models of three providers.
    @Suite struct ChatToolTests {
        private static func conversation(_ server: ServerUnderTest, _ question: String) throws {
            let first = try server.run("chat", question)
            #expect(first.last?.json["status"] == "completed")
            let call = try #require(first.first { $0.event == "tool_call" }?.json)
            #expect(call["tool_name"] == "calculate" && call["tool_args"] == ["expression": "6*7"])
            let result = try #require(first.first { $0.event == "tool_return" }?.json)
            #expect(result["tool_id"] == call["tool_id"] && result["result"] == ["result": "42"])
            #expect(
                first.contains { $0.event == "content" }
                    && first.map(\.event).lastIndex(of: "tool_return") ?? 99 < first.map(\.event).firstIndex(of: "content") ?? 0)
            #expect(first.last { $0.event == "metadata" }?.json["metadata"]?["tool_calls"] == 1)
            // Both calls of the model are counted.
            let parts = try #require(try server.storedAnswer(first)["parts"]?.array)
            #expect(parts.map { $0["part_kind"] } == ["tool_call", "tool_return", "text"])
            // The chat goes on with what is stored: the services refuse a call without its result.
            let chat = try #require(first.last?.json["chat_id"])
            let next = try server.run("chat", "and now in words", ["chat_id": chat])
            #expect(next.last?.json["status"] == "completed" && next.contains { $0.event == "content" })
        }

        @Test(arguments: ModelProvider.allCases) func toolThatIsAllowed_isCalled_andTheChatGoesOn(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let yaml = provider.configuration(at: upstream.url) + "chatConfig: {tools: [calculate]}\n"
            try await withServer(base: try ServerSettings(yaml: yaml)) { server in
                try Self.conversation(server, #"six times seven #tool=calculate #args={"expression":"6*7"}"#)
                let refused = try server.run("chat", "what time is it #tool=current_time")
                #expect(refused.last?.json["status"] == "error", "a tool that is not allowed was offered")
            }
        }

        @Test func toolThatIsAllowed_isCalledByBedrocksModels() async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            let settings = try upstream.settings()
            try await withServer(
                base: settings,
                configure: {
                    var chat = ChatToolSettings()
                    chat.tools = ["calculate"]
                    $0.set(chat)
                }
            ) { server in
                try Self.conversation(server, #"[[silent]] [[tool:calculate={"expression":"6*7"}]]"#)
            }
        }

        /// The group of `chat` as far as it matters here.
        private struct ChatToolSettings: HandlerSettings {
            var tools: [String] = []
            static let group = "chatConfig"
            static let fields: [SettingField<Self>] = [.list("tools", \.tools, "tools")]
        }

        @Test func toolThatNobodyHasRegistered_isAProblemOfTheConfiguration() async throws {
            let settings = try ServerSettings(yaml: "server: {port: 0}\nchatConfig:\n  tools: [calculate, calculator, mail]\n")
            let error = #expect(throws: ConfigurationError.self) { _ = try Server(settings: settings) }
            #expect(
                error?.problems.map(\.message) == [
                    "there is no tool 'calculator': did you mean 'calculate'?",
                    "there is no tool 'mail': there are calculate, current_time, read_document, search_documents",
                ])
            #expect(error?.problems.first?.description.contains("config.yaml, line 3: chatConfig.tools: ") == true)
        }
    }
}
