import Millrace
import MillraceCore

/// The text that a process reads out of a document; confined to the task that reads it.
final class ProcessDocument: ExtractedDocument {
    private(set) var type = DocumentType.text
    private(set) var summary: DocumentSummary?

    private let child: ExtractorProcess
    private let executor: BlockingExecutor
    private let source: () async throws -> [UInt8]?
    /// How long the process may still be waited for, in nanoseconds.
    private var left: Int64
    private var charactersLeft: Int
    /// What it said and nobody has taken, the last first.
    private var lines: [[UInt8]] = []

    /// Waits until the process knows what the document is.
    /// - Throws: what it says is wrong; what the source throws; `CancellationError`.
    init(
        _ child: ExtractorProcess, _ executor: BlockingExecutor, _ limits: DocumentLimits, _ source: @escaping () async throws -> [UInt8]?
    ) async throws {
        self.child = child
        self.executor = executor
        self.source = source
        left = Int64(max(limits.seconds, 0)) * 1_000_000_000
        charactersLeft = limits.textCharacters
        guard case .start(let type) = try await frame() else { throw ExtractorFrame.notUnderstood }
        self.type = type
    }

    func next() async throws -> DocumentPiece? {
        guard summary == nil else { return nil }
        switch try await frame() {
        case .start, .failure: throw ExtractorFrame.notUnderstood
        case .piece(let piece):
            charactersLeft -= piece.text.unicodeScalars.count
            guard charactersLeft >= 0 else {
                throw MillraceError(.documentTooLarge, "the document has more text than may be read: split it, or raise the limit")
            }
            return piece
        case .end(let title, let pages, let words, let characters, let warnings):
            summary = DocumentSummary(
                type: type, title: title, pageCount: pages, wordCount: words, characterCount: characters, warnings: warnings)
            return nil
        }
    }

    private func frame() async throws -> ExtractorFrame {
        while true {
            try Task.checkCancellation()
            if let line = lines.popLast() {
                let frame = try ExtractorFrame(line)
                if case .failure(let error) = frame { throw error }
                return frame
            }
            let (child, left) = (child, left)
            let (step, taken) = try await executor.run {
                let start = MonotonicClock.now()
                let step = try child.step(deadline: start + left)
                return (step, MonotonicClock.now() - start)
            }
            self.left -= taken
            switch step {
            case .lines(let lines): self.lines = lines.reversed()
            case .wantsInput: child.give(try await piece())
            case .ended(let end):
                // Whoever is cancelled has killed it.
                try Task.checkCancellation()
                throw end.problem
            }
        }
    }

    /// The next bytes of the document, never empty.
    private func piece() async throws -> [UInt8]? {
        while let bytes = try await source() {
            if !bytes.isEmpty { return bytes }
            try Task.checkCancellation()
        }
        return nil
    }
}
