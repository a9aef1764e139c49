import Millrace

extension EventKind {
    private static let own: Set<EventKind> = [
        .responseStart, .status, .content, .reasoning, .toolCall, .toolReturn, .document, .citation, .metadata, .interrupt, .error,
        .responseEnd,
    ]

    /// Whether a handler may give its own events this name: one that Millrace has no meaning for, of at most 64 lower-case letters, digits and
    /// underscores.
    var mayBeCustom: Bool {
        !Self.own.contains(self) && !rawValue.isEmpty && rawValue.utf8.count <= 64
            && rawValue.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F }
    }
}
