public import MillraceCore

/// A tool that a model may call: what it is told of it, and what is done when it calls.
///
/// ```swift
/// let weather = try Tool(
///     name: "weather", description: "The weather of a town now",
///     arguments: [
///         "type": "object", "additionalProperties": false, "required": ["town"],
///         "properties": ["town": ["type": "string", "description": "A town's name"]],
///     ]
/// ) { arguments, call in
///     .string(try await stations.report(arguments["town"]?.string ?? "", for: call.principal))
/// }
/// try registry.tools.register(weather)
/// ```
/// A tool runs on an event loop, as a handler does: it may `await` and must not block (``RunContext/runBlocking(_:)``). It must honour
/// cancellation, which comes with the run's, and when its time is over.
public struct Tool: Sendable {
    /// What a tool does with the arguments of a call, which follow its schema.
    public typealias Body = @Sendable (_ arguments: JSONValue, _ call: ToolInvocation) async throws -> JSONValue

    /// What a model is told of it.
    public let definition: ToolDefinition
    /// How long a call may take, in seconds; `nil`: as whoever calls it says.
    public let seconds: Double?
    let schema: ToolSchema
    let body: Body

    /// The tool's name.
    public var name: String { definition.name }

    /// Creates a tool.
    /// - Parameters:
    ///   - name: snake case: `[a-z][a-z0-9_]*`, at most 64 bytes.
    ///   - description: what it does and when to use it, for the model.
    ///   - arguments: the JSON Schema of its arguments, an object. What ``ToolSchema`` does not check is refused.
    ///   - seconds: how long a call may take (default: as whoever calls it says).
    ///   - body: does the work. What it throws as ``MillraceError`` is told to the model in its words; of anything else the model learns only
    ///     that the tool has failed, and the log has the reason.
    /// - Throws: ``ErrorCode/invalidInput`` for a name or a schema that is wrong.
    public init(
        name: String, description: String, arguments: JSONValue, seconds: Double? = nil, _ body: @escaping Body
    ) throws(MillraceError) {
        guard TaskHandlerRegistry.isSnakeCase(name) else {
            throw MillraceError(
                .invalidInput, "the tool name '\(name)' is not snake case: use a-z, 0-9 and _, starting with a letter, at most 64 bytes")
        }
        do throws(MillraceError) { schema = try ToolSchema(arguments) } catch {
            throw MillraceError(.invalidInput, "the tool '\(name)': \(error.message)")
        }
        definition = ToolDefinition(name: name, description: description, inputSchema: arguments)
        self.seconds = seconds
        self.body = body
    }

    /// Does what a call does, without what surrounds it: the schema is not checked, and no time is kept. Tests of tools call it.
    /// - Throws: what the tool throws.
    public func call(_ arguments: JSONValue, _ invocation: ToolInvocation) async throws -> JSONValue {
        try await body(arguments, invocation)
    }
}

/// One call of a tool: who asks, and in which run.
public struct ToolInvocation: Sendable {
    /// The call, with its id.
    public let call: ToolCall
    /// The request that is being answered, with its message, history and context.
    public let request: TaskRequest
    /// The run: for events, blocking work and the log.
    public let run: RunContext
    /// The most characters of a result that a model gets; what is longer is cut.
    public let resultCharacters: Int
    /// Who asked.
    public var principal: Principal { run.principal }

    /// Creates a call; tests of tools do.
    public init(call: ToolCall, request: TaskRequest, run: RunContext, resultCharacters: Int = 20_000) {
        self.call = call
        self.request = request
        self.run = run
        self.resultCharacters = resultCharacters
    }
}
