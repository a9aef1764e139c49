/// What a `Range` header asks for of a representation of known length (RFC 9110, section 14.2).
package enum ByteRange: Equatable, Sendable {
    /// These bytes.
    case bytes(Range<Int>)
    /// None of the bytes that there are: 416.
    case unsatisfiable
    /// Everything: there is no such header, its unit is unknown, its syntax is wrong, or it asks for several ranges.
    case whole

    /// - Parameters:
    ///   - header: the field's value; `nil` without one.
    ///   - length: the representation's length in bytes.
    package init(_ header: String?, length: Int) {
        guard let header, header.lowercased().hasPrefix("bytes="), !header.contains(",") else {
            self = .whole
            return
        }
        let parts = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            self = .whole
            return
        }
        // What no integer can hold is beyond every file.
        func number(_ text: Substring) -> Int? { text.isEmpty ? nil : Int(text) ?? .max }
        switch (number(parts[0]), number(parts[1])) {
        case (let first?, let last):
            if let last, last < first {
                self = .whole
            } else {
                self = first < length ? .bytes(first..<(min(last ?? .max, length - 1) + 1)) : .unsatisfiable
            }
        case (nil, let suffix?): self = suffix > 0 && length > 0 ? .bytes(max(length - suffix, 0)..<length) : .unsatisfiable
        case (nil, nil): self = .whole
        }
    }
}
