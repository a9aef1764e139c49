/// Percent-encoding of UTF-8, as Python's `urllib.parse.quote` (RFC 3986, section 2.3: what is unreserved stays).
enum PercentEncoding {
    /// - Parameter keepingSlash: whether `/` stays, as in a path; otherwise a space becomes `+`, as in a form.
    static func encoded(_ text: String, keepingSlash: Bool) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "~"):
                result.append(byte)
            case UInt8(ascii: "/") where keepingSlash: result.append(byte)
            case UInt8(ascii: " ") where !keepingSlash: result.append(UInt8(ascii: "+"))
            default: result += "%\(PythonText.hexadecimal(UInt32(byte), 2).uppercased())".utf8
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
