/// How long what is stored is kept. Everything is kept until somebody deletes it, unless one of these says otherwise.
public struct RetentionSettings: Equatable, Sendable {
    /// Hours for which a run and its log are kept after its end; 0: for ever (default: 0). The chat's messages stay.
    public var runHours = 0
    /// Ended runs that are kept, above which those that began first go; 0: any number (default: 0).
    public var maximumRuns = 0
    /// Runs of each owner that are kept, above which those of them go that began first and have ended; 0: any number (default: 0).
    public var maximumRunsPerOwner = 0
    /// Bytes of the database in use, above which the ended runs that began first go; 0: any number (default: 0).
    public var maximumStoreBytes = 0
    /// Hours for which a chat is kept after its last change, with its messages and runs; 0: for ever (default: 0).
    public var chatHours = 0
    /// Hours for which an uploaded file is kept that no chat names; 0: for ever (default: 0).
    public var contentHours = 0

    /// Settings with their defaults: everything is kept.
    public init() {}
}
