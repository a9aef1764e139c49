/// A part of a list and where the next part starts.
public struct Page<Item: Sendable>: Sendable {
    /// The items, in the list's order.
    public var items: [Item]
    /// What to ask for next; `nil` at the end of the list.
    public var nextCursor: String?
    /// Creates a page.
    public init(items: [Item], nextCursor: String?) {
        self.items = items
        self.nextCursor = nextCursor
    }
}

/// Which part of a list to give.
public struct PageRequest: Sendable, Equatable {
    /// At most this many items, 1 to 1,000.
    public var limit: Int
    /// The `nextCursor` of the page before; `nil`: from the start.
    public var cursor: String?
    /// Creates a request (default: the first 50).
    public init(limit: Int = 50, cursor: String? = nil) {
        self.limit = limit
        self.cursor = cursor
    }
}
