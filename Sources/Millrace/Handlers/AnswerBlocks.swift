/// Gives the pieces of one answer blocks of their own, so that the answer can be taken back without what stands before it.
///
/// The rule is that of ``BlockNumbering``: consecutive pieces of one kind are a block, a tool call is one by itself, and a citation belongs
/// to the text before it.
struct AnswerBlocks {
    private let sink: any RunSink
    private let areReserved: Bool
    private var kind: EventKind?
    private var written: [Int] = []

    /// - Parameter areReserved: `false`: events stay as they are, and the run numbers their blocks.
    init(sink: any RunSink, areReserved: Bool) {
        self.sink = sink
        self.areReserved = areReserved
    }

    /// The event, in its block.
    mutating func place(_ event: Event) async throws -> Event {
        guard areReserved else { return event }
        let continues: Bool
        switch event.kind {
        case .toolCall: continues = false
        case .citation: continues = kind == .content || kind == .citation
        default: continues = kind == event.kind
        }
        if !continues {
            written.append(try await sink.reserveBlock())
            kind = event.kind
        }
        if case .reasoning(let piece) = event.body, piece.endsBlock { kind = nil }
        var event = event
        event.contentBlockIndex = written.last
        return event
    }

    /// The blocks so far, which are to be taken back; what follows is in new ones.
    mutating func takeAll() -> [Int] {
        defer { written = [] }
        kind = nil
        return written
    }
}
