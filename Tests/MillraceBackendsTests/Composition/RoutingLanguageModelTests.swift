import Millrace
import MillraceBackends
import MillraceCore
import Testing

@Suite struct RoutingLanguageModelTests {
    private struct Named: LanguageModel {
        let id: String
        var seesImages = false
        func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
            ModelResponse(stopReason: .endTurn, usage: Usage(promptTokens: 1), modelID: "provider-\(id)")
        }
    }

    private static let plain = ModelRequest(turns: [.init(role: .user, parts: [.text("hello")])])
    private static func request(_ change: (inout ModelRequest) -> Void) -> ModelRequest {
        var request = plain
        change(&request)
        return request
    }
    private static let tools = request { $0.tools = [ToolDefinition(name: "n", description: "d", inputSchema: [:])] }
    private static let image = request { $0.turns[0].parts.append(.image(Attachment(data: [1]))) }
    private static let documents = request { $0.documents = [ModelDocument(id: "d", title: "t", text: "x")] }
    private static let schema = request { $0.outputSchema = ["type": "object"] }

    @Test(
        arguments: [
            (.hasTools, tools), (.hasImages, image), (.hasDocuments, documents), (.wantsOutputSchema, schema),
        ] as [(ModelRule.Condition, ModelRequest)])
    func condition_holdsOfItsRequestOnly(condition: ModelRule.Condition, request: ModelRequest) {
        let rule = ModelRule(when: [condition], use: Named(id: "m"))
        let counter = CharacterTokenCounter()
        #expect(rule.matches(request, counter: counter))
        for other in [Self.plain, Self.tools, Self.image, Self.documents, Self.schema] where other != request {
            #expect(!rule.matches(other, counter: counter))
        }
    }

    /// Every text of a request counts: eight characters are two tokens.
    @Test(
        arguments: [
            request { $0.turns[0].parts = [.text("12345678")] }, request { ($0.turns, $0.system) = ([], "12345678") },
            request { ($0.turns, $0.documents) = ([], [ModelDocument(id: "d", title: "", text: "12345678")]) },
            request { $0.turns[0].parts = [.toolReturn(ToolReturn(id: "1", name: "n", result: "123456"))] },
            request { ($0.turns, $0.tools) = ([], [ToolDefinition(name: "", description: "1234", inputSchema: ["1": 2])]) },
        ])
    func tokens_areCountedUpToTheBound(request: ModelRequest) {
        func matches(over bound: Int) -> Bool {
            ModelRule(when: [.estimatedTokens(over: bound)], use: Named(id: "m")).matches(request, counter: CharacterTokenCounter())
        }
        #expect(matches(over: 1))
        #expect(!matches(over: 3))
    }

    @Test func allConditionsMustHold_andNoneHoldsAlways() {
        let counter = CharacterTokenCounter()
        #expect(!ModelRule(when: [.hasTools, .hasImages], use: Named(id: "m")).matches(Self.tools, counter: counter))
        #expect(ModelRule(when: [], use: Named(id: "m")).matches(Self.plain, counter: counter))
    }

    @Test func firstMatch_wins_andTheAttemptNamesIt() async throws {
        let router = RoutingLanguageModel(
            id: "auto", rules: [ModelRule(when: [.hasTools], use: Named(id: "a")), ModelRule(when: [], use: Named(id: "b"))],
            otherwise: Named(id: "c"))
        for (request, id) in [(Self.tools, "a"), (Self.plain, "b")] {
            let response = try await router.generate(request) { _ in }
            #expect(response.modelID == "provider-\(id)")
            #expect(response.attempts.map(\.modelID) == [id])
            #expect(response.attempts.map(\.outcome) == [.answered])
        }
        #expect(RoutingLanguageModel(id: "auto", rules: [], otherwise: Named(id: "c")).model(for: Self.tools).id == "c")
    }

    @Test(
        arguments: [
            ([([.hasImages], true)], false, true), ([([.hasImages], false)], true, false), ([([.hasTools], true)], false, false),
            ([([.hasTools], false), ([.hasImages], true)], true, false), ([([.hasTools, .hasImages], true)], true, true),
            ([([], true), ([.hasTools], false)], false, true), ([], true, true),
        ] as [([(Set<ModelRule.Condition>, Bool)], Bool, Bool)])
    func router_seesImages_whereEveryModelThatCanGetThemDoes(
        rules: [(Set<ModelRule.Condition>, Bool)], otherwise: Bool, sees: Bool
    ) {
        let router = RoutingLanguageModel(
            id: "auto", rules: rules.map { ModelRule(when: $0.0, use: Named(id: "m", seesImages: $0.1)) },
            otherwise: Named(id: "o", seesImages: otherwise))
        #expect(router.seesImages == sees)
    }
}
