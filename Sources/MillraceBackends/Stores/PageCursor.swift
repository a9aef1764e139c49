import Millrace
import MillraceCore

/// Where a page of a list starts: the sort key of the last item before it, one or two integers. Opaque to clients.
struct PageCursor: Equatable {
    let keys: [Int64]

    init(_ keys: Int64...) { self.keys = keys }

    /// Reads a cursor that ``text`` wrote.
    init(_ text: String, keyCount: Int) throws(MillraceError) {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        let keys = parts.compactMap { Int64($0, radix: 36) }
        guard parts.count == keyCount, keys.count == keyCount else {
            throw MillraceError(
                .invalidInput, "the cursor is not one that this list gave: start again without a cursor", details: ["field": "cursor"])
        }
        self.keys = keys
    }

    var text: String { keys.map { String($0, radix: 36) }.joined(separator: "_") }
}

extension PageRequest {
    /// The limit within what a store gives, 1 to 1,000.
    func checkedLimit() throws(MillraceError) -> Int {
        guard (1...1000).contains(limit) else {
            throw MillraceError(.invalidInput, "limit must be 1 to 1,000, not \(limit)", details: ["field": "limit"])
        }
        return limit
    }

    /// The keys of the item before the page, `nil` at the start of the list.
    func keys(_ count: Int) throws(MillraceError) -> [Int64]? {
        guard let cursor else { return nil }
        return try PageCursor(cursor, keyCount: count).keys
    }
}

/// Fills a page item by item, until it has as many, or as many bytes, as were asked for.
struct PageFill<Item: Sendable> {
    private let limit: Int
    private let byteLimit: Int
    private var items: [Item] = []
    private var last: PageCursor?
    private var bytes = 0
    private var goesOn = false

    init(_ request: PageRequest) throws(MillraceError) {
        limit = try request.checkedLimit()
        byteLimit = request.byteLimit ?? .max
    }

    /// Whether the next item, with so many bytes, is on this page. When it is not, the page is complete.
    mutating func takes(bytes count: Int) -> Bool {
        let isFull = items.count == limit || !items.isEmpty && count > byteLimit - bytes
        if isFull { goesOn = true }
        return !isFull
    }

    /// Adds an item that the page takes.
    mutating func add(_ item: Item, _ cursor: PageCursor, bytes count: Int) {
        items.append(item)
        last = cursor
        bytes += count
    }

    var page: Page<Item> { Page(items: items, nextCursor: goesOn ? last?.text : nil) }
}

extension Page {
    /// A page of rows that were read with one more than the limit, to know whether the list goes on.
    init(_ rows: [(item: Item, cursor: PageCursor)], limit: Int) {
        self.init(
            items: rows.prefix(limit).map(\.item), nextCursor: rows.count > limit ? rows[limit - 1].cursor.text : nil)
    }
}
