/// A row of a table as a line of text.
enum TableRow {
    /// The cells, separated by tabs; white space within a cell is one space, and empty cells at the end are left out.
    static func line(_ cells: [[UInt8]]) -> [UInt8] {
        var line: [UInt8] = []
        var waiting = 0
        for cell in cells {
            let text = collapsed(cell)
            if !text.isEmpty {
                line += [UInt8](repeating: 0x09, count: waiting)
                waiting = 0
                line += text
            }
            waiting += 1
        }
        return line
    }

    /// The text with each stretch of white space as one space, and none at the ends.
    static func collapsed(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        for byte in text {
            if byte > 0x20 {
                out.append(byte)
            } else if let last = out.last, last != 0x20 {
                out.append(0x20)
            }
        }
        if out.last == 0x20 { out.removeLast() }
        return out
    }
}
