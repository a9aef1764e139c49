/// One line of a response's head, as libcurl hands it over.
enum ResponseHeadLine: Equatable {
    case status(Int)
    case field(name: String, value: String)
    case end
    /// A line that means nothing to us, such as a folded one.
    case other

    /// - Parameter line: the line with its line break.
    init(_ line: UnsafeRawBufferPointer) {
        var line = line[...]
        while let last = line.last, last == 0x0A || last == 0x0D { line.removeLast() }
        if line.isEmpty {
            self = .end
        } else if line.starts(with: "HTTP/".utf8) {
            let code = line.drop { $0 != 0x20 }.drop { $0 == 0x20 }.prefix(3)
            self = .status(Int(String(decoding: code, as: UTF8.self)) ?? 0)
        } else if line.first != 0x20, line.first != 0x09, let colon = line.firstIndex(of: 0x3A) {
            var value = line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
            while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
            self = .field(name: String(decoding: line[..<colon], as: UTF8.self), value: String(decoding: value, as: UTF8.self))
        } else {
            self = .other
        }
    }
}
