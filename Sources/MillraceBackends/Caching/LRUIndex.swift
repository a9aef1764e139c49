/// Entries by key in the order of their use, and what they cost together. A value without clock.
///
/// A doubly linked list in an array: each operation takes constant time.
struct LRUIndex<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Node: Sendable {
        var key: Key
        var value: Value
        var cost: Int
        /// The neighbours: towards the newest and towards the oldest.
        var newer: Int?
        var older: Int?
    }

    private var places: [Key: Int] = [:]
    private var nodes: [Node?] = []
    private var free: [Int] = []
    private var newest: Int?
    private var oldest: Int?
    /// What all entries cost together.
    private(set) var cost = 0

    var count: Int { places.count }

    /// The value of a key, which counts as used now.
    mutating func use(_ key: Key) -> Value? {
        guard let place = places[key], let node = nodes[place] else { return nil }
        unlink(place)
        linkNewest(place)
        return node.value
    }

    /// The value of a key, whose place in the order stays.
    func peek(_ key: Key) -> Value? { places[key].flatMap { nodes[$0]?.value } }

    /// Keeps a value as the one that was used last, in place of the key's old one.
    mutating func insert(_ key: Key, _ value: Value, cost: Int) {
        remove(key)
        linkNewest(place(of: key, value, cost))
    }

    /// Keeps a value as the one whose use is longest ago, unless the key has one.
    mutating func insertOldest(_ key: Key, _ value: Value, cost: Int) {
        guard places[key] == nil else { return }
        let place = place(of: key, value, cost)
        nodes[place]?.newer = oldest
        if let oldest { nodes[oldest]?.older = place }
        oldest = place
        if newest == nil { newest = place }
    }

    @discardableResult
    mutating func remove(_ key: Key) -> Value? {
        guard let place = places.removeValue(forKey: key), let node = nodes[place] else { return nil }
        unlink(place)
        nodes[place] = nil
        free.append(place)
        cost -= node.cost
        return node.value
    }

    /// Removes the entry whose use is longest ago.
    mutating func removeOldest() -> (key: Key, value: Value)? {
        guard let oldest, let node = nodes[oldest] else { return nil }
        remove(node.key)
        return (node.key, node.value)
    }

    mutating func removeAll() { self = LRUIndex() }

    private mutating func place(of key: Key, _ value: Value, _ cost: Int) -> Int {
        let node = Node(key: key, value: value, cost: cost)
        let place: Int
        if let reused = free.popLast() {
            nodes[reused] = node
            place = reused
        } else {
            nodes.append(node)
            place = nodes.count - 1
        }
        places[key] = place
        self.cost += cost
        return place
    }

    private mutating func linkNewest(_ place: Int) {
        nodes[place]?.older = newest
        nodes[place]?.newer = nil
        if let newest { nodes[newest]?.newer = place }
        newest = place
        if oldest == nil { oldest = place }
    }

    private mutating func unlink(_ place: Int) {
        guard let node = nodes[place] else { return }
        if let newer = node.newer { nodes[newer]?.older = node.older } else { newest = node.older }
        if let older = node.older { nodes[older]?.newer = node.newer } else { oldest = node.newer }
        nodes[place]?.newer = nil
        nodes[place]?.older = nil
    }
}
