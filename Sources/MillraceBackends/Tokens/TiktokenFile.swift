import MillraceCore

/// Reads a vocabulary file in tiktoken's form (`tiktoken/load.py`): a token a line, as Base64 (RFC 4648, section 4), a space, its rank in
/// decimal digits. Blank lines do not count.
struct TiktokenFile: ~Copyable {
    /// The largest file that is read, in bytes: nine times the largest that OpenAI publishes.
    static let sizeLimit = 32 << 20
    /// As many problems as one message names.
    private static let shownProblems = 5

    private let path: String
    private var vocabulary: BPEVocabulary
    /// The line that has each rank; 0 where none has.
    private var lineOfRank: [UInt32] = []
    private var problems: [String] = []
    private var problemCount = 0

    /// Reads a vocabulary.
    /// - Throws: ``MillraceError`` with ``ErrorCode/configuration``: the file cannot be read, or names of wrong lines.
    static func vocabulary(path: String) throws(MillraceError) -> BPEVocabulary {
        let contents: [UInt8]
        do {
            contents = try BoundedFile.read(path, limit: sizeLimit)
        } catch {
            throw MillraceError(.configuration, "the token vocabulary cannot be read: \(error.message)")
        }
        return try vocabulary(contents, path: path)
    }

    /// Reads a vocabulary from a file's contents; `path` is for messages.
    static func vocabulary(_ contents: [UInt8], path: String) throws(MillraceError) -> BPEVocabulary {
        let file = TiktokenFile(path: path, contents.span)
        try file.check()
        return file.vocabulary
    }

    private init(path: String, _ contents: Span<UInt8>) {
        self.path = path
        // Lines have 18 bytes on average in the published files; the table grows when there are more.
        vocabulary = BPEVocabulary(capacity: contents.count / 18)
        var (line, start) = (1, 0)
        // A token of n bytes takes more than n on its line.
        var token: [UInt8] = []
        for offset in 0...contents.count where offset == contents.count || contents[offset] == UInt8(ascii: "\n") {
            var end = offset
            if end > start, contents[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            if end > start { add(contents.extracting(start..<end), line, &token) }
            (line, start) = (line + 1, offset + 1)
        }
    }

    private mutating func add(_ text: Span<UInt8>, _ line: Int, _ token: inout [UInt8]) {
        var space = 0
        while space < text.count, text[space] != UInt8(ascii: " ") { space += 1 }
        guard space > 0, space + 1 < text.count else { return complain(line, "not a token in Base64, a space and a rank") }
        guard Base64Token.decode(text.extracting(0..<space), into: &token) else { return complain(line, "the token is not Base64") }
        guard let rank = Self.number(text.extracting(space + 1..<text.count)) else {
            return complain(line, "the rank is not a whole number below \(BPEVocabulary.rankLimit)")
        }
        if rank >= lineOfRank.count {
            lineOfRank.append(contentsOf: repeatElement(0, count: max(rank + 1, lineOfRank.count) - lineOfRank.count))
        }
        guard lineOfRank[rank] == 0 else { return complain(line, "the rank \(rank) is that of line \(lineOfRank[rank]) too") }
        lineOfRank[rank] = UInt32(line)
        if !vocabulary.insert(token.span, rank: UInt32(rank)) { complain(line, "the token has a rank already") }
    }

    private static func number(_ digits: Span<UInt8>) -> Int? {
        guard digits.count <= 7 else { return nil }
        var value = 0
        for index in digits.indices {
            guard case UInt8(ascii: "0")...UInt8(ascii: "9") = digits[index] else { return nil }
            value = value * 10 + Int(digits[index] - UInt8(ascii: "0"))
        }
        return value < BPEVocabulary.rankLimit ? value : nil
    }

    private mutating func complain(_ line: Int, _ problem: String) {
        problemCount += 1
        if problems.count < Self.shownProblems { problems.append("\(path):\(line): \(problem)") }
    }

    private borrowing func check() throws(MillraceError) {
        if problemCount > 0 {
            let more = problemCount > problems.count ? ["and \(problemCount - problems.count) more lines"] : []
            let advice = "a vocabulary file has lines such as \"IGFuZA== 323\""
            throw MillraceError(.configuration, (problems + more + [advice]).joined(separator: "; "))
        }
        if let missing = vocabulary.byteRanks.firstIndex(of: BPEVocabulary.none) {
            throw MillraceError(
                .configuration, "\(path): no token is the single byte \(missing), and every byte must be one: use the published file, whole"
            )
        }
    }
}

/// Base64 as vocabulary files have it: the standard alphabet, padded, without white space.
private enum Base64Token {
    private static let invalid: UInt8 = 0xFF
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: invalid, count: 256)
        for (value, character) in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8.enumerated() {
            values[Int(character)] = UInt8(value)
        }
        return values
    }()

    /// Replaces `bytes` by the decoded text; returns `false` when it is not Base64, or empty.
    static func decode(_ text: Span<UInt8>, into bytes: inout [UInt8]) -> Bool {
        bytes.removeAll(keepingCapacity: true)
        guard !text.isEmpty, text.count % 4 == 0 else { return false }
        let padding = text[text.count - 1] != UInt8(ascii: "=") ? 0 : text[text.count - 2] != UInt8(ascii: "=") ? 1 : 2
        var (bits, count) = (UInt32(0), 0)
        for index in 0..<text.count - padding {
            let value = values[Int(text[index])]
            guard value != invalid else { return false }
            (bits, count) = (bits << 6 | UInt32(value), count + 6)
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        // What the padding stands for must be zero, or two spellings would be one token.
        return bits & (1 << UInt32(count) - 1) == 0
    }
}
