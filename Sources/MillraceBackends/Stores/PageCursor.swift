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

extension Page {
    /// A page of rows that were read with one more than the limit, to know whether the list goes on.
    init(_ rows: [(item: Item, cursor: PageCursor)], limit: Int) {
        self.init(
            items: rows.prefix(limit).map(\.item), nextCursor: rows.count > limit ? rows[limit - 1].cursor.text : nil)
    }
}
