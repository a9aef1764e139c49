import CArchive
import Glibc
import MillraceCore

/// A zip archive in a file that is open; libarchive unpacks its entries. Confined to the thread that extracts.
///
/// What is unpacked is counted, so that an archive cannot grow beyond its limits, whatever its own lengths say.
final class ZipArchive {
    struct Limits {
        var entries: Int
        var unpackedBytes: Int
        var ratio: Int
        /// The ratio counts from here on.
        static let ratioBytes = 16 << 20
    }

    private let descriptor: Int32
    private let limits: Limits
    private var unpacked = 0
    /// By their names in lower case: parts' names differ only where more than their case does (ECMA-376 part 2, section 6.2.2).
    private var entries: [String: ZipDirectory.Entry] = [:]

    private static let longestDirectory = 16 << 20

    /// - Parameter descriptor: of a file; it stays open, and its offset moves.
    init(descriptor: Int32, limits: Limits) throws(MillraceError) {
        self.descriptor = descriptor
        self.limits = limits
        let length = Int(lseek(descriptor, 0, SEEK_END))
        let tail = try Self.bytes(descriptor, max(length - ZipDirectory.tailBytes, 0), min(length, ZipDirectory.tailBytes))
        guard let (found, extended) = ZipDirectory.locate(tail, length: length) else { throw Self.damaged("it is cut off") }
        var location = found
        if let extended {
            guard let found = ZipDirectory.extended(try Self.bytes(descriptor, extended, 56), length: length) else {
                throw Self.damaged("its list of parts is damaged")
            }
            location = found
        }
        guard location.entries <= limits.entries, location.length <= Self.longestDirectory else {
            throw MillraceError(.documentTooLarge, "the document has more than \(limits.entries) parts")
        }
        let list = try ZipDirectory.entries(try Self.bytes(descriptor, location.offset, location.length))
        guard list.count <= limits.entries else {
            throw MillraceError(.documentTooLarge, "the document has more than \(limits.entries) parts")
        }
        // Of two entries of one name the first is the document's, as it is for others' readers that go by the directory.
        for entry in list where entries[entry.name.lowercased()] == nil { entries[entry.name.lowercased()] = entry }
    }

    func contains(_ name: String) -> Bool { entries[name.lowercased()] != nil }

    /// Gives an entry's bytes in pieces.
    /// - Returns: whether there is such an entry.
    func read(_ name: String, _ take: ([UInt8]) throws(MillraceError) -> Void) throws(MillraceError) -> Bool {
        guard let entry = entries[name.lowercased()] else { return false }
        guard !entry.isEncrypted else {
            throw MillraceError(.documentEncrypted, "the document asks for a password: save it without one")
        }
        guard lseek(descriptor, entry.offset, SEEK_SET) == entry.offset, let archive = archive_read_new() else {
            throw MillraceError(.extractionFailed, "the document's copy cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { archive_read_free(archive) }
        // The entry is what the archive begins with for libarchive, which then needs no list of its own.
        archive_read_support_format_zip_streamable(archive)
        guard archive_read_open_fd(archive, descriptor, 64 << 10) == ARCHIVE_OK else { throw Self.damaged(archive) }
        var header: OpaquePointer?
        guard archive_read_next_header(archive, &header) >= ARCHIVE_WARN else { throw Self.damaged(archive) }
        try unpack(archive, take)
        return true
    }

    private func unpack(_ archive: OpaquePointer, _ take: ([UInt8]) throws(MillraceError) -> Void) throws(MillraceError) {
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        var length = 0
        while true {
            let count = piece.withUnsafeMutableBytes { archive_read_data(archive, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw Self.damaged(archive) }
            if count == 0 { return }
            length += count
            unpacked += count
            guard unpacked <= limits.unpackedBytes else {
                throw MillraceError(.documentTooLarge, "the document unpacks to more than \(limits.unpackedBytes) bytes")
            }
            let packed = Int(archive_filter_bytes(archive, -1))
            guard length <= Limits.ratioBytes || length <= max(packed, 1) * limits.ratio else {
                throw MillraceError(.documentTooLarge, "a part of the document unpacks to more than \(limits.ratio) times its length")
            }
            try take(Array(piece[..<count]))
        }
    }

    private static func bytes(_ descriptor: Int32, _ offset: Int, _ count: Int) throws(MillraceError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress.map { $0 + filled }, count - filled, offset + filled)
            }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { throw damaged("it is cut off") }
            filled += read
        }
        return bytes
    }

    private static func damaged(_ what: String) -> MillraceError {
        MillraceError(.documentDamaged, "the document cannot be unpacked: \(what)")
    }

    private static func damaged(_ archive: OpaquePointer) -> MillraceError {
        let text = archive_error_string(archive).map { String(cString: $0) } ?? "no reason is given"
        return damaged(String(text.prefix(200)))
    }
}
