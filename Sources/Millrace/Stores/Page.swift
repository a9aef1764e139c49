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
    /// Lists whose items can be long (messages, chats) end a page before the item with which its items' parts, metadata and usage, as JSON,
    /// would have more than so many bytes; a page has one item at least. `nil`: no bound.
    public var byteLimit: Int?
    /// Creates a request (default: the first 50, however long).
    public init(limit: Int = 50, cursor: String? = nil, byteLimit: Int? = nil) {
        self.limit = limit
        self.cursor = cursor
        self.byteLimit = byteLimit
    }
}
