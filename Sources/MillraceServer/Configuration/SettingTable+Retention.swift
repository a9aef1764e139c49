/// The settings of how long what is stored is kept.
extension SettingTable {
    /// A hundred years in hours.
    private static let mostHours = 876_000

    static let retention: [SettingDescriptor] = [
        .integer(
            "retention.runHours", "MILLRACE_RETENTION_RUN_HOURS", 0...mostHours, \.retention.runHours,
            "hours that a run and its log are kept after its end, 0 for ever; the chat's messages stay"),
        .integer(
            "retention.maximumRuns", "MILLRACE_RETENTION_MAXIMUM_RUNS", 0...1_000_000_000, \.retention.maximumRuns,
            "ended runs that are kept, above which the oldest go, 0 for any number"),
        .integer(
            "retention.maximumRunsPerOwner", "MILLRACE_RETENTION_MAXIMUM_RUNS_PER_OWNER", 0...1_000_000_000,
            \.retention.maximumRunsPerOwner, "runs of each owner that are kept, above which the oldest ended ones go, 0 for any number"),
        .integer(
            "retention.maximumStoreBytes", "MILLRACE_RETENTION_MAXIMUM_STORE_BYTES", 0...(1 << 50), \.retention.maximumStoreBytes,
            "bytes of the database in use, above which the oldest ended runs go, 0 for any number"),
        .integer(
            "retention.chatHours", "MILLRACE_RETENTION_CHAT_HOURS", 0...mostHours, \.retention.chatHours,
            "hours that a chat is kept after its last change, with its messages and runs, 0 for ever"),
        .integer(
            "retention.contentHours", "MILLRACE_RETENTION_CONTENT_HOURS", 0...mostHours, \.retention.contentHours,
            "hours that an uploaded file is kept that no chat names, 0 for ever"),
    ]
}
