/// Cleans text in place and counts it: line ends become line feeds, other control characters spaces. A value without I/O.
struct TextCleaner {
    private(set) var words = 0
    private(set) var characters = 0
    /// Line feeds so far.
    private(set) var lines = 0
    private var isInWord = false
    private var endedInReturn = false

    /// Takes the next text, which begins and ends anywhere.
    mutating func clean(_ text: inout [UInt8]) {
        // Local copies: this goes over every byte of every document.
        var (words, continuations, lines, isInWord, endedInReturn) = (0, 0, 0, isInWord, endedInReturn)
        let count = text.withUnsafeMutableBufferPointer { bytes -> Int in
            var to = 0
            for from in 0..<bytes.count {
                var byte = bytes[from]
                if byte > 0x20, byte != 0x7F {
                    if byte & 0xC0 == 0x80 { continuations &+= 1 }
                    if !isInWord {
                        words &+= 1
                        isInWord = true
                    }
                    endedInReturn = false
                } else {
                    isInWord = false
                    if byte == 0x0A, endedInReturn {
                        endedInReturn = false
                        continue
                    }
                    endedInReturn = byte == 0x0D
                    if byte == 0x0D || byte == 0x0A {
                        byte = 0x0A
                        lines &+= 1
                    } else if byte != 0x09 {
                        byte = 0x20
                    }
                }
                bytes[to] = byte
                to &+= 1
            }
            return to
        }
        text.removeLast(text.count - count)
        self.words += words
        self.lines += lines
        characters += count - continuations
        self.isInWord = isInWord
        self.endedInReturn = endedInReturn
    }
}
