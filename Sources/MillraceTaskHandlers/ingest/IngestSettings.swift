public import Millrace

/// What configuration may set of ``IngestHandler``.
public struct IngestSettings: HandlerSettings, Equatable {
    /// The collections that requests may write into (default: none). Whoever may start runs can then change what others find in them.
    public var collections: [String] = []

    /// `ingestConfig`.
    public static let group = "ingestConfig"
    /// ``collections``.
    public static let fields: [SettingField<Self>] = [
        .list(
            "collections", \.collections, "collections that requests of the task ingest may write into; without any there is no such task")
    ]

    /// Settings with their defaults.
    public init() {}
}
