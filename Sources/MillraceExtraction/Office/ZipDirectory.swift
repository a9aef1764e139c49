import MillraceCore

/// The directory at a zip archive's end (PKWARE APPNOTE 6.3.9, sections 4.3.12 to 4.3.16): where its entries begin. A value without I/O.
struct ZipDirectory {
    struct Entry: Equatable {
        let name: String
        /// Where its own header is, in bytes from the archive's beginning.
        let offset: Int
        let isEncrypted: Bool
    }

    /// Where the directory itself is.
    struct Location: Equatable {
        var offset: Int
        var length: Int
        var entries: Int
    }

    /// The end of the archive that has to be looked at: the record, its comment and what stands before it for long archives.
    static let tailBytes = 22 + 65_535 + 20

    /// Finds the directory.
    /// - Parameters:
    ///   - tail: the last ``tailBytes`` of the archive, or all of it.
    ///   - length: of the archive.
    /// - Returns: where it is; for archives of 64-bit lengths, where the record that says so is.
    static func locate(_ tail: [UInt8], length: Int) -> (location: Location, extended: Int?)? {
        guard tail.count >= 22 else { return nil }
        for place in stride(from: tail.count - 22, through: 0, by: -1) where signature(tail, place) == 0x0605_4B50 {
            let location = Location(
                offset: Int(number(tail, place + 16, 4)), length: Int(number(tail, place + 12, 4)),
                entries: Int(number(tail, place + 10, 2)))
            let isExtended = location.offset == 0xFFFF_FFFF || location.length == 0xFFFF_FFFF || location.entries == 0xFFFF
            if isExtended, place >= 20, signature(tail, place - 20) == 0x0706_4B50 {
                let offset = number(tail, place - 20 + 8, 8)
                guard offset <= UInt64(length) else { return nil }
                return (location, Int(offset))
            }
            guard location.offset + location.length <= length - tail.count + place else { continue }
            return (location, nil)
        }
        return nil
    }

    /// Reads the record of archives of 64-bit lengths: 56 bytes.
    static func extended(_ record: [UInt8], length: Int) -> Location? {
        guard record.count >= 56, signature(record, 0) == 0x0606_4B50 else { return nil }
        let (entries, size, offset) = (number(record, 32, 8), number(record, 40, 8), number(record, 48, 8))
        guard size <= UInt64(length), offset <= UInt64(length), entries <= size / 46 else { return nil }
        return Location(offset: Int(offset), length: Int(size), entries: Int(entries))
    }

    /// The entries of a directory. Those whose name is no text in UTF-8 are left out: no part of a document has such a name.
    static func entries(_ directory: [UInt8]) throws(MillraceError) -> [Entry] {
        var entries: [Entry] = []
        var place = 0
        while place + 46 <= directory.count, signature(directory, place) == 0x0201_4B50 {
            let nameLength = Int(number(directory, place + 28, 2))
            let extraLength = Int(number(directory, place + 30, 2))
            let end = place + 46 + nameLength + extraLength + Int(number(directory, place + 32, 2))
            guard end <= directory.count else { break }
            var offset = number(directory, place + 42, 4)
            if offset == 0xFFFF_FFFF {
                let extra = directory[(place + 46 + nameLength)..<(place + 46 + nameLength + extraLength)]
                let longFields = [20, 24].count { number(directory, place + $0, 4) == 0xFFFF_FFFF }
                offset = extendedOffset(Array(extra), behind: longFields) ?? offset
            }
            if let name = String(validating: directory[(place + 46)..<(place + 46 + nameLength)], as: UTF8.self), offset <= UInt64(Int.max)
            {
                entries.append(Entry(name: name, offset: Int(offset), isEncrypted: number(directory, place + 8, 2) & 1 != 0))
            }
            place = end
        }
        guard place == directory.count else {
            throw MillraceError(.documentDamaged, "the document cannot be unpacked: its list of parts is damaged")
        }
        return entries
    }

    /// The 64-bit offset of an entry's extra field (section 4.5.3), which stands behind those lengths that are 64-bit, too.
    private static func extendedOffset(_ extra: [UInt8], behind fields: Int) -> UInt64? {
        var place = 0
        while place + 4 <= extra.count {
            let length = Int(number(extra, place + 2, 2))
            if number(extra, place, 2) == 1, 8 * fields + 8 <= length, place + 4 + 8 * fields + 8 <= extra.count {
                return number(extra, place + 4 + 8 * fields, 8)
            }
            place += 4 + length
        }
        return nil
    }

    private static func signature(_ bytes: [UInt8], _ place: Int) -> UInt64 { number(bytes, place, 4) }

    private static func number(_ bytes: [UInt8], _ place: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for offset in (0..<count).reversed() { value = value << 8 | UInt64(bytes[place + offset]) }
        return value
    }
}
