import Glibc
public import Millrace
import MillraceCore

/// Reads documents in a process of its own for each, `millrace-extract`: a document that makes its reader fail, loop or worse hurts nobody else.
///
/// The process confines itself before it touches a byte (`Docs/documents.md`). Bytes go to it and text comes from it as both sides take them:
/// nothing of the document's size is ever in memory. A task that is cancelled kills it at once, with all that it has started.
public final class ProcessDocumentExtractor: DocumentExtractor {
    /// How processes are started.
    public struct Options: Equatable, Sendable {
        /// The program; `nil`: `millrace-extract` beside the program that runs, else in one of `PATH`'s folders (default).
        public var program: String?
        /// The folder of poppler's `pdfinfo` and `pdftotext` (default: `/usr/bin`).
        public var pdfPrograms = "/usr/bin"
        /// Where a document's copy is kept while it is read, as a file without a name (default: `/var/tmp`).
        public var spoolDirectory = "/var/tmp"
        /// How many documents are read at once (default: 2).
        public var concurrent = 2
        /// How many may wait for that (default: 100).
        public var waiting = 100
        /// How much a document may be and may cost where a caller does not say.
        public var limits = DocumentLimits()
        /// The defaults.
        public init() {}
    }

    /// How much a document may be and may cost where a caller does not say.
    public var limits: DocumentLimits { options.limits }
    /// The path of the program.
    package let program: String

    private let options: Options
    private let slots: ExtractionSlots
    private let executor: BlockingExecutor

    /// Finds the program. It blocks for a moment: at start-up, not on a loop.
    /// - Throws: ``MillraceError`` with ``ErrorCode/configuration`` where there is none, or no folder for copies.
    public init(_ options: Options = Options()) throws {
        self.options = options
        program = try Self.program(options.program)
        guard access(options.spoolDirectory, W_OK | X_OK) == 0 else {
            throw MillraceError(
                .configuration,
                "documents cannot be kept in '\(options.spoolDirectory)' while they are read: \(String(cString: strerror(errno)))")
        }
        slots = ExtractionSlots(max(options.concurrent, 1), mostWaiting: max(options.waiting, 0))
        // Each document has one thread at a time, so that none waits for another's.
        executor = try BlockingExecutor(name: "extract", threads: max(options.concurrent, 1))
    }

    /// Lends a document's text, as ``DocumentExtractor`` says.
    public func extract<R>(
        _ description: DocumentDescription, limits: DocumentLimits, from next: @escaping () async throws -> [UInt8]?,
        _ read: (any ExtractedDocument) async throws -> R
    ) async throws -> R {
        try await slots.with {
            let (program, options) = (program, options)
            let child = try await executor.run {
                try ExtractorProcess(
                    program: program, ExtractorCommand.arguments(description, limits, options), spool: options.spoolDirectory)
            }
            let result: Result<R, any Error>
            do {
                result = .success(
                    try await withTaskCancellationHandler {
                        let document = try await ProcessDocument(child, executor, limits, next)
                        return try await read(document)
                    } onCancel: {
                        child.kill()
                    })
            } catch {
                result = .failure(error)
            }
            // An executor that is about to stop takes no work; what is killed ends in a moment.
            do { try await executor.run { child.end() } } catch { child.end() }
            return try result.get()
        }
    }

    /// How many documents are read now, and how many wait, for tests.
    package var load: (running: Int, waiting: Int) { slots.load }

    /// The program's path: the given one, else one beside this program, else one in a folder of `PATH`.
    package static func program(_ given: String?, beside: String? = programBeside(), path: String? = nil) throws(MillraceError) -> String {
        if let given {
            if access(given, X_OK) == 0 { return given }
            throw MillraceError(
                .configuration, "the program '\(given)' that reads documents cannot be started: \(String(cString: strerror(errno)))")
        }
        let folders = path ?? getenv("PATH").map { String(cString: $0) } ?? ""
        // An empty folder of PATH is the working directory, in which anybody may have left a program.
        let candidates = [beside].compactMap(\.self) + folders.split(separator: ":").map { "\($0)/millrace-extract" }
        if let found = candidates.first(where: { access($0, X_OK) == 0 }) { return found }
        throw MillraceError(
            .configuration,
            "the program millrace-extract that reads documents is neither beside this program nor in PATH: "
                + "install it, or set documents.program"
        )
    }

    package static func programBeside() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0, let slash = buffer[..<count].lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return String(decoding: buffer[...slash], as: UTF8.self) + "millrace-extract"
    }
}
