import Glibc
import MillraceCore

/// Reads the chunks that a stream is made of, those that hold a piece of text and nothing else, without building a value of each member.
///
/// A chunk like that comes with every token. Scanned it costs about a twentieth of what it costs as a ``JSONValue``. The scanner knows
/// little and is sure of it: at any member, value or escape that it does not know it gives up, and the decoder reads the chunk in full.
struct TextDeltaScanner: ~Copyable {
    /// The chunk's text, empty for a chunk that says nothing; `nil` where the chunk must be read in full.
    /// - Parameters:
    ///   - modelID: the model that the stream has named; a chunk that names another is read in full.
    ///   - frame: what the stream's last such chunk was like; one like it need not be scanned.
    static func text(in data: String, modelID: String, frame: inout TextDeltaFrame) -> String? {
        data.utf8.withContiguousStorageIfAvailable { bytes in
            if let text = frame.text(in: UnsafeRawBufferPointer(bytes)) { return text }
            return modelID.utf8.withContiguousStorageIfAvailable { modelID in
                var scanner = TextDeltaScanner(bytes: bytes, modelID: modelID)
                guard scanner.chunk() else { return nil }
                if let place = scanner.textPlace { frame.learn(UnsafeRawBufferPointer(bytes), text: place) }
                return scanner.text ?? ""
            } ?? nil
        } ?? nil
    }

    // Both are valid for the call of `text(in:modelID:)` that made the scanner.
    private let bytes: UnsafeBufferPointer<UInt8>
    private let modelID: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var text: String?
    /// Where the text stands, if it has no escapes.
    private var textPlace: Range<Int>?
    private var hasDelta = false

    private init(bytes: UnsafeBufferPointer<UInt8>, modelID: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        self.modelID = modelID
    }

    // MARK: The chunk

    private mutating func chunk() -> Bool {
        var hasChoice = false
        let isRead = object { scanner, name in
            if scanner.null() { return !scanner.name(name, is: "choices") }
            switch name.count {
            case 2 where scanner.name(name, is: "id"): return scanner.string() != nil
            case 5 where scanner.name(name, is: "model"): return scanner.string().map { scanner.isModelID($0) } ?? false
            case 6 where scanner.name(name, is: "object"): return scanner.string() != nil
            case 7 where scanner.name(name, is: "created"): return scanner.integer() != nil
            case 7 where scanner.name(name, is: "choices"):
                defer { hasChoice = true }
                return !hasChoice && scanner.take(UInt8(ascii: "[")) && scanner.choice() && scanner.take(UInt8(ascii: "]"))
            case 8 where scanner.name(name, is: "provider"): return scanner.string() != nil
            case 11 where scanner.name(name, is: "obfuscation"): return scanner.string() != nil
            case 12 where scanner.name(name, is: "service_tier"): return scanner.string() != nil
            case 18 where scanner.name(name, is: "system_fingerprint"): return scanner.string() != nil
            default: return false
            }
        }
        skipSpace()
        return isRead && hasChoice && position == bytes.count
    }

    private mutating func choice() -> Bool {
        object { scanner, name in
            // Of members of one name the last counts.
            if scanner.null() { return !scanner.hasDelta || !scanner.name(name, is: "delta") }
            switch name.count {
            case 5 where scanner.name(name, is: "index"): return scanner.integer() == 0
            case 5 where scanner.name(name, is: "delta"):
                defer { scanner.hasDelta = true }
                return !scanner.hasDelta && scanner.delta()
            default: return false
            }
        }
    }

    private mutating func delta() -> Bool {
        object { scanner, name in
            if scanner.null() { return scanner.text == nil || !scanner.name(name, is: "content") }
            switch name.count {
            case 4 where scanner.name(name, is: "role"): return scanner.string() != nil
            case 7 where scanner.name(name, is: "content"):
                guard scanner.text == nil else { return false }
                scanner.text = scanner.content()
                return scanner.text != nil
            default: return false
            }
        }
    }

    // MARK: JSON (RFC 8259)

    private mutating func skipSpace() {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// Reads an object whose members' values `member` reads; it returns whether it could.
    private mutating func object(_ member: (inout TextDeltaScanner, Range<Int>) -> Bool) -> Bool {
        guard take(UInt8(ascii: "{")) else { return false }
        if take(UInt8(ascii: "}")) { return true }
        repeat {
            guard let name = string(), take(UInt8(ascii: ":")), member(&self, name) else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "}"))
    }

    private func name(_ range: Range<Int>, is name: StaticString) -> Bool {
        range.count == name.utf8CodeUnitCount && memcmp(bytes.baseAddress! + range.lowerBound, name.utf8Start, range.count) == 0
    }

    private func isModelID(_ range: Range<Int>) -> Bool {
        guard range.count == modelID.count, let known = modelID.baseAddress else { return false }
        return memcmp(bytes.baseAddress! + range.lowerBound, known, range.count) == 0
    }

    private mutating func null() -> Bool {
        skipSpace()
        guard position + 4 <= bytes.count, name(position..<position + 4, is: "null") else { return false }
        position += 4
        return true
    }

    /// Where a string without escapes stands.
    private mutating func string() -> Range<Int>? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = position
        let end = JSONEscaping.firstEscape(in: UnsafeRawBufferPointer(bytes), from: start)
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return nil }
        position = end + 1
        return start..<end
    }

    /// A number of few digits.
    private mutating func integer() -> Int? {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, position - start < 18, bytes[position] >= UInt8(ascii: "0"), bytes[position] <= UInt8(ascii: "9") {
            value = value * 10 + Int(bytes[position] - UInt8(ascii: "0"))
            position += 1
        }
        guard position > start, position - start == 1 || bytes[start] != UInt8(ascii: "0") else { return nil }
        return value
    }

    /// A string with the escapes that texts are full of.
    private mutating func content() -> String? {
        let start = position
        if let range = string() {
            textPlace = range
            return String(decoding: bytes[range], as: UTF8.self)
        }
        position = start
        guard take(UInt8(ascii: "\"")) else { return nil }
        var unescaped: [UInt8] = []
        while position < bytes.count {
            let end = JSONEscaping.firstEscape(in: UnsafeRawBufferPointer(bytes), from: position)
            unescaped.append(contentsOf: bytes[position..<end])
            guard end < bytes.count else { return nil }
            position = end + 1
            if bytes[end] == UInt8(ascii: "\"") { return String(decoding: unescaped, as: UTF8.self) }
            guard bytes[end] == UInt8(ascii: "\\"), position < bytes.count else { return nil }
            switch bytes[position] {
            case UInt8(ascii: "n"): unescaped.append(0x0A)
            case UInt8(ascii: "t"): unescaped.append(0x09)
            case UInt8(ascii: "r"): unescaped.append(0x0D)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(bytes[position])
            default: return nil
            }
            position += 1
        }
        return nil
    }
}
