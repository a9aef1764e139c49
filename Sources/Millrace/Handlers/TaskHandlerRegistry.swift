public import MillraceCore

/// Something that a handler needs: there, or missing for a reason that the operator is told.
public enum Availability<Value: Sendable>: Sendable {
    /// It is there.
    case available(Value)
    /// It is missing.
    case missing(name: String, reason: String)
}

/// The handlers of a server, registered by hand at its start.
///
/// ```swift
/// try registry.register(ChatHandler(models: models), isDefault: true)
/// try registry.register("rag_oss", requiring: models, searchIndex) { models, index in RagOssHandler(models: models, index: index) }
/// ```
public struct TaskHandlerRegistry: Sendable {
    /// A handler that was not registered, and why.
    public struct Omission: Equatable, Sendable {
        /// The handler's name.
        public let name: String
        /// What it lacks, in words.
        public let reason: String
    }

    private var handlers: [String: any TaskHandler] = [:]
    /// The name of the handler for requests without a task.
    public private(set) var defaultName: String?
    /// Handlers whose clients are missing.
    public private(set) var omissions: [Omission] = []
    /// The tools that handlers may offer to models. Register a team's own before the handlers that take them from here.
    public var tools = ToolRegistry()
    private let logger: Logger

    /// An empty registry; what is registered or left out goes to `logger`.
    public init(logger: Logger = .silent) {
        self.logger = logger
    }

    /// The registered names, sorted.
    public var names: [String] { handlers.keys.sorted() }
    /// The registered handlers, sorted by name.
    public var all: [any TaskHandler] { handlers.values.sorted { $0.name < $1.name } }

    /// The handler of that name; the default one for `nil`.
    public func handler(named name: String?) -> (any TaskHandler)? {
        (name ?? defaultName).flatMap { handlers[$0] }
    }

    /// Registers a handler.
    /// - Parameter isDefault: whether requests without a task go to it.
    /// - Throws: ``ErrorCode/invalidInput`` for a name that is not snake case (`[a-z][a-z0-9_]*`, at most 64 bytes), ``ErrorCode/conflict``
    ///   for a name or default that is taken.
    public mutating func register(_ handler: any TaskHandler, isDefault: Bool = false) throws(MillraceError) {
        let name = handler.name
        guard Self.isSnakeCase(name) else {
            throw MillraceError(
                .invalidInput, "the handler name '\(name)' is not snake case: use a-z, 0-9 and _, starting with a letter, at most 64 bytes")
        }
        guard handlers[name] == nil else { throw MillraceError(.conflict, "two handlers are called '\(name)'") }
        if isDefault {
            if let defaultName { throw MillraceError(.conflict, "'\(defaultName)' is the default handler already, '\(name)' cannot be") }
            defaultName = name
        }
        handlers[name] = handler
        let typeName = "\(type(of: handler))"
        if typeName.hasSuffix("Handler"), typeName != Self.typeName(for: name) {
            logger.warning(
                "handler's name does not follow the convention",
                ["handler": .string(name), "type": .string(typeName), "expected": .string(Self.typeName(for: name))])
        }
        logger.info("registered task handler", ["handler": .string(name), "default": .bool(isDefault)])
    }

    /// Registers a handler if all that it needs is there; otherwise the log says what is missing, and requests for it are a 404.
    /// - Throws: as ``register(_:isDefault:)``, and what `make` throws.
    public mutating func register<each Client>(
        _ name: String, requiring clients: repeat Availability<each Client>, isDefault: Bool = false,
        make: (repeat each Client) throws -> any TaskHandler
    ) throws {
        var missing: [String] = []
        func value<Value>(_ client: Availability<Value>) -> Value? {
            switch client {
            case .available(let value): return value
            case .missing(let name, let reason):
                missing.append("\(name): \(reason)")
                return nil
            }
        }
        let values = (repeat value(each clients))
        guard missing.isEmpty else {
            let reason = missing.joined(separator: "; ")
            omissions.append(Omission(name: name, reason: reason))
            logger.warning("task handler not registered", ["handler": .string(name), "missing": .string(reason)])
            return
        }
        func unwrapped<Value>(_ value: Value?) -> Value {
            guard let value else { preconditionFailure("checked above: nothing is missing") }
            return value
        }
        let handler = try make(repeat unwrapped(each values))
        guard handler.name == name else {
            throw MillraceError(.invalidInput, "the handler registered as '\(name)' calls itself '\(handler.name)'")
        }
        try register(handler, isDefault: isDefault)
    }

    /// `RagOssHandler` for `rag_oss`.
    public static func typeName(for name: String) -> String {
        name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() + "Handler"
    }

    static func isSnakeCase(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        return letters.contains(first)
            && name.utf8.allSatisfy {
                letters.contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
            }
    }
}
