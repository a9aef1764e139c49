/// A step on an event's way into the log. Guards live here; nothing reaches the log past the stages.
///
/// Stages are made anew for every run and are called in order, one event at a time. What a stage holds it must give back from
/// ``finish()`` or drop. An event that is in a block has its number (``Event/contentBlockIndex``); text of two blocks is not joined. What a stage gives back names the
/// block that it
/// came in, and what it holds of a block that an event takes back (``Event/discardedBlocks``) it drops.
public protocol EventStage: AnyObject {
    /// Looks at the user's message before it is stored.
    func input(_ message: Message) async throws -> InputVerdict
    /// Looks at an event before it is appended.
    func process(_ event: Event) async throws -> StageVerdict
    /// A block that the handler numbered itself is complete: gives back what was held of it.
    func endBlock(_ block: Int) async throws -> StageVerdict
    /// The handler has returned: gives back what was held.
    func finish() async throws -> StageVerdict
}

extension EventStage {
    /// Passes the message.
    public func input(_ message: Message) async throws -> InputVerdict { .pass }
    /// Holds nothing.
    public func endBlock(_ block: Int) async throws -> StageVerdict { .hold }
    /// Holds nothing.
    public func finish() async throws -> StageVerdict { .hold }
}

/// What a stage makes of the user's message.
public enum InputVerdict: Sendable, Equatable {
    /// It goes on unchanged.
    case pass
    /// This goes on instead; the original is stored nowhere.
    case replace(Message)
    /// The run ends `blocked` before its handler starts; the message is stored without its text.
    case block(reason: String)
}

/// What a stage makes of an event.
public enum StageVerdict: Sendable, Equatable {
    /// It goes on unchanged.
    case pass
    /// These go on instead.
    case replace([Event])
    /// Nothing goes on now; the stage keeps what it needs.
    case hold
    /// These go on, and then the run ends with that status.
    case end(RunStatus, [Event])
}

/// Makes the stages of one run.
public typealias EventStageFactory = @Sendable (TaskRequest) -> [any EventStage]
