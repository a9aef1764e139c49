import MillraceCore

/// Where an object's file is: a key, which may be any text, as names of directories and a file that any file system takes.
///
/// Each part of the key between slashes becomes a directory (`+` behind its name), the last one the file (`=` behind it), so that the keys
/// `a` and `a/b` do not meet. Lower-case letters, digits, `-`, `_` and `.` stay; other bytes become `%` and two lower-case hexadecimal
/// digits, so that names differ also where a file system takes no notice of case. A part of 80 bytes or more is split after each 80 (`^`
/// behind the directory).
///
/// Read back, the names of one directory sort as the keys beneath them do: no name is the beginning of another but for the `^` of the same
/// 80 bytes, which then holds all that begin with them.
struct ObjectPath: Equatable {
    enum Kind: UInt8, Equatable {
        case object = 0x3D  // =
        case directory = 0x2B  // +
        case split = 0x5E  // ^
    }

    /// The names of the directories, from the root on.
    let directories: [String]
    /// The file's name.
    let file: String

    /// At three characters a byte, a name has 241 characters at most; file systems take 255.
    private static let splitBytes = 80

    /// - Parameter key: which ``ObjectRules`` allow.
    init(_ key: String) {
        var directories: [String] = []
        var file = ""
        let parts = key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            var rest = part
            while rest.count >= Self.splitBytes {
                directories.append(Self.name(rest.prefix(Self.splitBytes), .split))
                rest = rest.dropFirst(Self.splitBytes)
            }
            if index < parts.count - 1 {
                directories.append(Self.name(rest, .directory))
            } else {
                file = Self.name(rest, .object)
            }
        }
        self.directories = directories
        self.file = file
    }

    private static func name(_ bytes: some Collection<UInt8>, _ kind: Kind) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        for byte in bytes {
            if isPlain(byte) { out.append(byte) } else { out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        }
        out.append(kind.rawValue)
        return String(decoding: out, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || "-_.".utf8.contains(byte)
    }

    /// What a name in a directory adds to the key, a directory's slash included.
    /// - Returns: `nil` for a name that this type does not give.
    static func read(_ name: [UInt8]) -> (bytes: [UInt8], kind: Kind)? {
        guard let last = name.last, let kind = Kind(rawValue: last) else { return nil }
        var bytes: [UInt8] = []
        var rest = name.dropLast()
        while let byte = rest.popFirst() {
            if isPlain(byte) {
                bytes.append(byte)
            } else {
                guard byte == UInt8(ascii: "%"), let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit),
                    !isPlain(high << 4 | low), high << 4 | low != UInt8(ascii: "/")
                else { return nil }
                bytes.append(high << 4 | low)
            }
        }
        guard kind == .split ? bytes.count == splitBytes : bytes.count < splitBytes else { return nil }
        if kind == .directory { bytes.append(UInt8(ascii: "/")) }
        return (bytes, kind)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
