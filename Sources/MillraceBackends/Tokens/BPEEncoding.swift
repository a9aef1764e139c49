/// A byte-pair encoding by name: how a text is cut into pieces before its bytes are merged, and which vocabulary belongs to it.
///
/// The patterns are those of tiktoken 0.14 (`tiktoken_ext/openai_public.py`).
public struct BPEEncoding: Sendable, Hashable, CustomStringConvertible {
    /// The name, as tiktoken has it.
    public let name: String
    /// How many tokens the vocabulary file has, special tokens not counted.
    public let tokenCount: Int
    let pattern: PiecePattern

    /// `cl100k_base`: GPT-4, GPT-3.5 Turbo, `text-embedding-3`.
    public static let cl100k = BPEEncoding(name: "cl100k_base", tokenCount: 100_256, pattern: .cl100k)
    /// `o200k_base`: GPT-4o, GPT-4.1, GPT-5, the o models; ordinary text of `o200k_harmony` has the same tokens.
    public static let o200k = BPEEncoding(name: "o200k_base", tokenCount: 199_998, pattern: .o200k)

    /// The encodings that are known.
    public static let all: [BPEEncoding] = [.cl100k, .o200k]

    /// The encoding of a name, as in a configuration: `nil` when none has it.
    public init?(named name: String) {
        guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    private init(name: String, tokenCount: Int, pattern: PiecePattern) {
        self.name = name
        self.tokenCount = tokenCount
        self.pattern = pattern
    }

    /// The name.
    public var description: String { name }
}

/// The pattern that cuts a text into pieces.
enum PiecePattern: Sendable {
    case cl100k, o200k
}
