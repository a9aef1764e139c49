/// Cuts text that comes in pieces into its lines. A value without I/O.
struct LineSplitter {
    private var pending: [UInt8] = []
    private var endedInReturn = false
    private var isWithinLine = false
    /// Longer lines are given in parts.
    static let longestLine = 32 << 10

    /// Gives each line that is complete, without its end, and parts of long ones.
    /// - Parameter line: called with the text, whether a line begins with it, and whether one ends with it.
    mutating func receive<E: Error>(_ text: [UInt8], _ line: ([UInt8], _ begins: Bool, _ ends: Bool) throws(E) -> Void) throws(E) {
        var start = 0
        var position = 0
        while position < text.count {
            let byte = text[position]
            guard byte == 0x0A || byte == 0x0D else {
                endedInReturn = false
                position += 1
                // Pieces of text end between characters.
                if pending.count + position - start >= Self.longestLine, position == text.count || text[position] & 0xC0 != 0x80 {
                    try line(take(text[start..<position]), !isWithinLine, false)
                    isWithinLine = true
                    start = position
                }
                continue
            }
            if byte == 0x0A, endedInReturn {
                endedInReturn = false
                position += 1
                start = position
                continue
            }
            endedInReturn = byte == 0x0D
            try line(take(text[start..<position]), !isWithinLine, true)
            isWithinLine = false
            position += 1
            start = position
        }
        pending += text[start...]
    }

    /// The line that no line feed ends.
    mutating func finish<E: Error>(_ line: ([UInt8], _ begins: Bool, _ ends: Bool) throws(E) -> Void) throws(E) {
        if !pending.isEmpty { try line(take([]), !isWithinLine, true) }
        isWithinLine = false
    }

    private mutating func take(_ rest: ArraySlice<UInt8>) -> [UInt8] {
        defer { pending = [] }
        return pending + rest
    }
}
