import Glibc
import Millrace
import MillraceCore

/// Keeps the parts of long documents in a file without a name until a model reads them: the kernel removes it with its last descriptor, also when
/// the process is killed. One writes, and then any number read. It blocks: use it from the threads for that.
final class PartSpool: Sendable {
    /// What all spools of a handler have together.
    final class Budget: Sendable {
        private let used = Locked(0)

        /// How many bytes there are now.
        var bytes: Int { used.withLock { $0 } }

        fileprivate func take(_ count: Int, limit: Int) throws(MillraceError) {
            try used.withLock { (used) throws(MillraceError) in
                guard used + count <= limit else {
                    throw MillraceError(
                        .limitExceeded,
                        "the documents that are being analysed have more text than the \(limit >> 20) MiB of documentAnalysisConfig.maxSpoolMb: try "
                            + "again later, with shorter ones, or raise it", isRetryable: used > 0)
                }
                used += count
            }
        }

        fileprivate func give(_ count: Int) { used.withLock { $0 -= count } }
    }

    private struct State {
        var descriptor: Int32 = -1
        /// Where each part ends; it begins where the one before ends.
        var ends: [Int] = []
    }

    private let directory: String
    private let budget: Budget
    private let limit: Int
    private let state = Locked(State())

    /// - Parameters:
    ///   - directory: where the file is made, once there is a part.
    ///   - limit: how many bytes all spools of the budget may have.
    init(directory: String, budget: Budget, limit: Int) {
        self.directory = directory
        self.budget = budget
        self.limit = limit
    }

    deinit {
        let state = state.withLock { $0 }
        if state.descriptor >= 0 { close(state.descriptor) }
        budget.give(state.ends.last ?? 0)
    }

    /// How many parts there are.
    var count: Int { state.withLock { $0.ends.count } }

    /// Adds a part behind the others.
    /// - Throws: ``ErrorCode/limitExceeded`` when the budget is used up, ``ErrorCode/storageFull``, ``ErrorCode/storageUnavailable``.
    func append(_ part: AnalysisPart) throws(MillraceError) {
        let text = JSONValue.array(part.passages.map { .object(PassageCollection.document($0, version: "").fields) }).text
        let bytes = Array(text.utf8)
        try budget.take(bytes.count, limit: limit)
        do throws(MillraceError) {
            let (descriptor, start) = try open()
            try Self.write(bytes, to: descriptor, at: start)
            state.withLock { $0.ends.append(start + bytes.count) }
        } catch {
            budget.give(bytes.count)
            throw error
        }
    }

    /// Reads a part.
    /// - Parameter number: from 1, and there is one of that number.
    func part(_ number: Int) throws(MillraceError) -> AnalysisPart {
        let (descriptor, start, end) = state.withLock { ($0.descriptor, number > 1 ? $0.ends[number - 2] : 0, $0.ends[number - 1]) }
        let bytes = try Self.read(start..<end, of: descriptor)
        let passages = try JSONValue(parsing: bytes).array ?? []
        return AnalysisPart(
            number: number,
            passages: passages.compactMap { passage in
                passage.object.flatMap { PassageCollection.passage(SearchDocument(id: "", fields: $0)) }
            })
    }

    private func open() throws(MillraceError) -> (descriptor: Int32, end: Int) {
        let (known, end) = state.withLock { ($0.descriptor, $0.ends.last ?? 0) }
        if known >= 0 { return (known, end) }
        let made = SpoolFile.open(in: directory)
        guard made >= 0 else { throw Self.failure("cannot be kept in '\(directory)'") }
        state.withLock { $0.descriptor = made }
        return (made, end)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, at start: Int) throws(MillraceError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written, start + written)
            }
            if count > 0 { written += count } else if errno != EINTR { throw failure("cannot be written") }
        }
    }

    private static func read(_ range: Range<Int>, of descriptor: Int32) throws(MillraceError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        var got = 0
        while got < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress.map { $0 + got }, $0.count - got, range.lowerBound + got)
            }
            if count == 0 { throw MillraceError(.storageUnavailable, "the parts of long documents are gone from the disk") }
            if count > 0 { got += count } else if errno != EINTR { throw failure("cannot be read back") }
        }
        return bytes
    }

    private static func failure(_ what: String) -> MillraceError {
        MillraceError(
            errno == ENOSPC || errno == EDQUOT ? .storageFull : .storageUnavailable,
            "the parts of long documents \(what): \(String(cString: strerror(errno)))")
    }
}
