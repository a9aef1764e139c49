import Millrace
import MillraceCore

/// Lists the keys of an ``ObjectDirectory`` in the order of their bytes, with memory for a page however many there are. It blocks.
struct ObjectLister {
    private struct Entry {
        /// The key so far: an object's whole key, or what all keys in a directory begin with.
        let bytes: [UInt8]
        let name: String
        let kind: ObjectPath.Kind
    }

    private let directory: ObjectDirectory
    private let prefix: [UInt8]
    private let after: [UInt8]?
    private let limit: Int
    private var objects: [ObjectMetadata] = []
    private var hasMore = false

    /// The page behind a key.
    static func page(of directory: ObjectDirectory, prefix: String, after: String?, limit: Int) throws(MillraceError) -> ObjectPage {
        var lister = ObjectLister(directory, prefix, after, limit)
        try lister.list(names: [], base: [])
        return ObjectPage(objects: lister.objects, hasMore: lister.hasMore)
    }

    private init(_ directory: ObjectDirectory, _ prefix: String, _ after: String?, _ limit: Int) {
        self.directory = directory
        self.prefix = Array(prefix.utf8)
        self.after = after.map { Array($0.utf8) }
        self.limit = limit
    }

    /// - Parameters:
    ///   - names: the way to a directory.
    ///   - base: what all keys in it begin with.
    private mutating func list(names: [String], base: [UInt8]) throws(MillraceError) {
        var last: [UInt8]?
        while !hasMore {
            // Only one directory of the way is open at a time: a key can have more parts than a process may have files.
            guard let opened = try directory.directory(names) else { return }
            let most = limit - objects.count + 1
            let entries = try firstEntries(in: opened, base: base, behind: last, most)
            for entry in entries {
                if hasMore { return }
                if entry.kind == .object {
                    try add(entry, in: opened)
                } else {
                    try list(names: names + [entry.name], base: entry.bytes)
                }
            }
            guard entries.count == most else { return }
            last = entries.last?.bytes
        }
    }

    private mutating func add(_ entry: Entry, in opened: ObjectFile) throws(MillraceError) {
        // Removed meanwhile, or not one of ours.
        guard let file = try ObjectFile.file(entry.name, in: opened), let footer = try file.footer(),
            let key = String(validating: entry.bytes, as: UTF8.self)
        else { return }
        guard objects.count < limit else {
            hasMore = true
            return
        }
        var metadata = footer.metadata(key)
        metadata.mimeType = nil
        metadata.metadata = [:]
        objects.append(metadata)
    }

    /// The first so many entries behind one that can hold what is looked for, in order.
    private func firstEntries(
        in opened: ObjectFile, base: [UInt8], behind last: [UInt8]?, _ most: Int
    ) throws(MillraceError) -> [Entry] {
        var entries: [Entry] = []
        var bound: [UInt8]?
        func cut() {
            entries.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
            guard entries.count > most else { return }
            entries.removeLast(entries.count - most)
            bound = entries.last?.bytes
        }
        try opened.forEachName { name in
            guard let (bytes, kind) = ObjectPath.read(name) else { return }
            let whole = base + bytes
            if let last, !last.lexicographicallyPrecedes(whole) { return }
            if let bound, !whole.lexicographicallyPrecedes(bound) { return }
            guard mayHold(whole, kind) else { return }
            entries.append(Entry(bytes: whole, name: String(decoding: name, as: UTF8.self), kind: kind))
            if entries.count >= 2 * most + 64 { cut() }
        }
        cut()
        return entries
    }

    private func mayHold(_ bytes: [UInt8], _ kind: ObjectPath.Kind) -> Bool {
        let isBehind = after.map { $0.lexicographicallyPrecedes(bytes) } ?? true
        if kind == .object { return isBehind && bytes.starts(with: prefix) }
        return (isBehind || after?.starts(with: bytes) == true) && (bytes.starts(with: prefix) || prefix.starts(with: bytes))
    }
}
