/// Gives the pieces of one answer blocks of their own, so that the answer can be taken back without what stands before it. Pure.
///
/// The rule is that of ``BlockNumbering``: consecutive pieces of one kind are a block, a tool call is one by itself, and a citation belongs
/// to the text before it.
struct AnswerBlocks: Equatable, Sendable {
    private var kind: EventKind?
    private var written: [Int] = []

    /// The block that was begun last.
    var newest: Int? { written.last }

    /// Whether the piece begins a new block.
    func needsBlock(for piece: Event) -> Bool {
        switch piece.kind {
        case .toolCall: true
        case .citation: kind != .content && kind != .citation
        default: kind != piece.kind
        }
    }

    /// The piece begins the block of that number.
    mutating func begin(_ block: Int, for piece: Event) {
        written.append(block)
        kind = piece.kind
    }

    /// The piece in the block that was begun last. Before any was, the run numbers the piece's block.
    mutating func place(_ piece: Event) -> Event {
        if case .reasoning(let reasoning) = piece.body, reasoning.endsBlock { kind = nil }
        guard let block = written.last else { return piece }
        var piece = piece
        piece.contentBlockIndex = block
        return piece
    }

    /// The blocks so far, which are to be taken back; what follows is in new ones.
    mutating func takeAll() -> [Int] {
        defer { self = AnswerBlocks() }
        return written
    }
}
