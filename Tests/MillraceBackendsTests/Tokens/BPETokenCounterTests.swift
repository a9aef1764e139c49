import Glibc
import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

/// Counting with vocabularies that the tests make, and the files that are refused.
@Suite struct BPETokenCounterTests {
    // MARK: Counting

    @Test func text_isCountedByItsPieces_andIsNoEstimate() {
        let vocabulary = BPEMergeTests.vocabulary(["th", "the", " c", "at", " cat", "xyz"])
        let counter = BPETokenCounter(vocabulary: vocabulary, encoding: .cl100k)
        #expect(counter.encode("the cat") == [257, 260])
        // A piece that is a token counts as one, though no merge leads to it; within a longer piece it does not.
        #expect(counter.encode("xyz xyz") == [261, 32, 120, 121, 122])
        #expect(counter.count("the cat") == TokenCount(tokens: 2, isEstimate: false))
        #expect(counter.count("") == TokenCount(tokens: 0, isEstimate: false))
        #expect(counter.count("é🙂") == TokenCount(tokens: 6, isEstimate: false))
    }

    @Test func specialTokensName_isOrdinaryText() {
        let counter = BPETokenCounter(vocabulary: BPEMergeTests.vocabulary([]), encoding: .o200k)
        #expect(counter.count("<|endoftext|>").tokens == 13)
    }

    @Test func pieceLongerThanTheScanLimit_hasTheSameTokens() {
        let counter = BPETokenCounter(vocabulary: BPEMergeTests.vocabulary(["aa", "aaaa"]), encoding: .cl100k)
        #expect(counter.count(String(repeating: "a", count: 96)).tokens == 24)
        #expect(counter.count(String(repeating: "a", count: 4001)).tokens == 1001)
    }

    // MARK: Files

    /// The lines of a vocabulary: all single bytes, then as many tokens of two and three bytes as are wanted.
    private static func lines(_ count: Int) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var contents: [UInt8] = []
        for rank in 0..<count {
            let value = rank < 256 ? rank << 16 : rank < 65792 ? (rank - 256) << 8 : rank
            let characters = [18, 12, 6, 0].map { alphabet[value >> $0 & 63] }
            let padding = rank < 256 ? 2 : rank < 65792 ? 1 : 0
            contents += characters.dropLast(padding) + [UInt8](repeating: UInt8(ascii: "="), count: padding)
            contents += Array(" \(rank)\n".utf8)
        }
        return contents
    }

    private static func withFile<Result>(_ contents: [UInt8], _ body: (String) throws -> Result) throws -> Result {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/test.tiktoken"
        guard let file = fopen(path, "w") else { throw POSIXProblem(code: errno) }
        fwrite(contents, 1, contents.count, file)
        fclose(file)
        return try body(path)
    }

    @Test(arguments: BPEEncoding.all)
    func wholeFile_isKnownByItsNumberOfTokens(encoding: BPEEncoding) throws {
        try Self.withFile(Self.lines(encoding.tokenCount)) { path in
            let counter = try BPETokenCounter(vocabularyFile: path)
            #expect(counter.encoding == encoding)
            #expect(counter.encode("A") == [65])
            #expect(try BPETokenCounter(vocabularyFile: path, encoding: encoding).encoding == encoding)
            let other: BPEEncoding = encoding == .cl100k ? .o200k : .cl100k
            let error = #expect(throws: MillraceError.self) { _ = try BPETokenCounter(vocabularyFile: path, encoding: other) }
            #expect(error?.code == .configuration)
            #expect(error?.message.contains("\(other) has \(other.tokenCount)") == true)
        }
    }

    @Test func cutOffFile_isRefused() throws {
        try Self.withFile(Self.lines(100_000)) { path in
            for encoding in [nil, BPEEncoding.cl100k] {
                let error = #expect(throws: MillraceError.self) { _ = try BPETokenCounter(vocabularyFile: path, encoding: encoding) }
                #expect(error?.code == .configuration)
                #expect(error?.message.contains("\(path) has 100000 tokens") == true)
            }
        }
    }

    @Test func missingFile_isAWrongSetting() {
        let error = #expect(throws: MillraceError.self) { _ = try BPETokenCounter(vocabularyFile: "/nowhere/x.tiktoken") }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains("cannot open /nowhere/x.tiktoken") == true)
    }

    @Test(arguments: [
        ("YWI=", "not a token in Base64, a space and a rank"), ("YWI= ", "not a token in Base64, a space and a rank"),
        (" 300", "not a token in Base64, a space and a rank"), ("YWI 300", "the token is not Base64"),
        ("YW*= 300", "the token is not Base64"),
        ("=WI= 300", "the token is not Base64"), ("==== 300", "the token is not Base64"), ("YWJ= 300", "the token is not Base64"),
        ("\u{FEFF}YWI= 300", "the token is not Base64"), ("YWI= -1", "the rank is not a whole number below 2097152"),
        ("YWI= 3a", "the rank is not a whole number below 2097152"), ("YWI=  300", "the rank is not a whole number below 2097152"),
        ("YWI= 2097152", "the rank is not a whole number below 2097152"),
        ("YWI= 99999999999999999999", "the rank is not a whole number below 2097152"),
        ("YWI= 65", "the rank 65 is that of line 66 too"), ("QQ== 300", "the token has a rank already"),
    ])
    func wrongLine_isNamed(line: String, problem: String) {
        let contents = Self.lines(257) + Array((line + "\nYWM= 301\n").utf8)
        let error = #expect(throws: MillraceError.self) { _ = try TiktokenFile.vocabulary(contents, path: "/etc/v.tiktoken") }
        #expect(error?.code == .configuration)
        #expect(error?.message == "/etc/v.tiktoken:258: \(problem); a vocabulary file has lines such as \"IGFuZA== 323\"")
    }

    @Test func manyWrongLines_areNamedUpToFive() {
        let contents = Array(String(repeating: "<html>\n", count: 8).utf8)
        let error = #expect(throws: MillraceError.self) { _ = try TiktokenFile.vocabulary(contents, path: "v") }
        #expect(error?.message.contains("v:1: ") == true && error?.message.contains("v:5: ") == true)
        #expect(error?.message.contains("v:6: ") == false && error?.message.contains("and 3 more lines") == true)
    }

    @Test func fileWithoutAByte_isRefused() {
        var contents = Self.lines(300)
        contents.removeFirst(Self.lines(1).count)
        let error = #expect(throws: MillraceError.self) { _ = try TiktokenFile.vocabulary(contents, path: "v") }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains("no token is the single byte 0") == true)
        #expect(throws: MillraceError.self) { _ = try TiktokenFile.vocabulary([], path: "v") }
    }

    @Test func blankLinesAndCarriageReturns_doNotMatter() throws {
        let text = String(decoding: Self.lines(300), as: UTF8.self)
        let plain = try TiktokenFile.vocabulary(Array(text.utf8), path: "v")
        #expect(plain.count == 300 && plain.highestRank == 299)
        let windows = "\r\n" + text.split(separator: "\n").joined(separator: "\r\n\r\n")
        let other = try TiktokenFile.vocabulary(Array(windows.utf8), path: "v")
        let token: [UInt8] = [0, 1]
        let rank = other.rank(of: token.span)
        #expect(other.count == 300 && rank == 257)
    }

    @Test func encodingsName_isFound() {
        #expect(BPEEncoding(named: "o200k_base") == .o200k)
        #expect(BPEEncoding(named: "cl100k_base") == .cl100k)
        #expect(BPEEncoding(named: "p50k_base") == nil)
    }
}
