package import MillraceCore

/// A request's name in logs and problems: the client's where it sent a well-formed `X-Request-Id`, otherwise one of ours. Ours is kept as
/// bits and becomes text where it is written, since most requests end without anybody asking for a string.
package struct HTTPRequestID: Equatable, Sendable, CustomStringConvertible {
    private enum Source: Equatable, Sendable {
        case ours(RandomBits)
        case client(String)
    }

    private let source: Source
    private static let prefix: StaticString = "req"

    /// A new one of ours.
    package init() { source = .ours(RandomBits()) }

    /// The client's, where it has 1 to 128 letters, digits, `-`, `_` and `.`.
    init?(_ sent: String) {
        guard (1...128).contains(sent.utf8.count), sent.utf8.allSatisfy(Self.isPlain) else { return nil }
        source = .client(sent)
    }

    package var description: String {
        if case .client(let text) = source { return text }
        var text = ByteBuffer()
        write(to: &text)
        return text.string
    }

    /// Appends the text, which holds nothing that JSON or a header would escape.
    package func write(to buffer: inout ByteBuffer) {
        switch source {
        case .client(let text): buffer.append(text)
        case .ours(let bits):
            _ = buffer.appendUninitialized(capacity: Self.prefix.utf8CodeUnitCount + 1 + RandomBits.textLength) { room in
                guard let start = room.baseAddress else { return 0 }
                return bits.write(prefix: Self.prefix, to: start.assumingMemoryBound(to: UInt8.self))
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        HTTPGrammar.isLetter(byte) || HTTPGrammar.isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: ".")
    }
}
