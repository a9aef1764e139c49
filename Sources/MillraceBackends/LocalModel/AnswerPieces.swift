import Millrace

/// An answer cut into what is streamed: words, and citations between them, up to the first limit that applies.
struct AnswerPieces: Equatable, Sendable {
    enum Piece: Equatable, Sendable {
        case text(String)
        case citation(Citation)
    }

    /// About how many bytes of UTF-8 a token has: four characters of English, one and a third of Chinese.
    static let bytesPerToken = 4
    /// The most characters in a piece, for scripts that are written without spaces.
    private static let longestPiece = 16

    private(set) var pieces: [Piece] = []
    private(set) var stopReason = StopReason.endTurn

    /// The estimated number of tokens of a text of that many bytes.
    static func tokens(bytes: Int) -> Int { (bytes + bytesPerToken - 1) / bytesPerToken }

    /// - Parameters:
    ///   - maxTokens: the most tokens, `nil` for no limit.
    ///   - stopSequences: texts at the first of which the answer ends; empty ones are ignored.
    init(_ answer: Answer, maxTokens: Int?, stopSequences: [String]) {
        var end = answer.text.endIndex
        for sequence in stopSequences where !sequence.isEmpty {
            if let range = answer.text.firstRange(of: sequence), range.lowerBound < end {
                end = range.lowerBound
                stopReason = .stopSequence
            }
        }
        var bytesLeft = Int.max
        if let maxTokens {
            let (limit, overflow) = max(maxTokens, 0).multipliedReportingOverflow(by: Self.bytesPerToken)
            if !overflow { bytesLeft = limit }
        }

        var citations = answer.citations[...]
        var word = ""
        var (characters, offset, isInSpace) = (0, 0, false)
        func endWord() {
            guard !word.isEmpty else { return }
            pieces.append(.text(word))
            (word, characters, isInSpace) = ("", 0, false)
        }
        func cite() {
            while let next = citations.first, next.offset <= offset {
                endWord()
                pieces.append(.citation(next.citation))
                citations.removeFirst()
            }
        }
        for character in answer.text[..<end] {
            guard character.utf8.count <= bytesLeft else {
                stopReason = .maxTokens
                break
            }
            cite()
            if isInSpace && !character.isWhitespace || characters == Self.longestPiece { endWord() }
            word.append(character)
            characters += 1
            isInSpace = character.isWhitespace
            offset += character.utf8.count
            bytesLeft -= character.utf8.count
        }
        cite()
        endWord()
    }
}
