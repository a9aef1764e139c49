import Glibc
import Millrace
import MillraceCore

/// How an extractor's process has ended. A value without I/O.
struct ExtractorEnd: Equatable, Sendable {
    /// As `waitpid` gives it.
    let status: Int32
    /// The end of what it wrote to standard error.
    let said: String

    /// What that means for the document, when the process had not said so itself.
    var problem: MillraceError {
        let signal = status & 0x7F
        let reason = said.split(whereSeparator: { $0.isWhitespace }).joined(separator: " ").suffix(500)
        let lacksMemory = ["allocate", "bad_alloc", "ut of memory"].contains { said.contains($0) }
        switch signal {
        case SIGXCPU:
            return MillraceError(
                .extractionTimeout, "the document takes more processor time to read than it may: split it, or raise the limit")
        // Nobody else kills it so.
        case SIGKILL: return Self.tooLarge(reason)
        case 0: break
        default:
            if lacksMemory { return Self.tooLarge(reason) }
            return MillraceError(
                .extractionFailed, "the document made its reader fail (signal \(signal)): try to save it anew, or as another type",
                cause: Said(String(reason)))
        }
        return MillraceError(
            .extractionFailed, "the program that reads documents ended without a result (status \((status >> 8) & 0xFF))",
            cause: Said(String(reason)))
    }

    private static func tooLarge(_ reason: Substring.SubSequence) -> MillraceError {
        MillraceError(
            .documentTooLarge, "the document takes more memory to read than it may: split it, or raise the limit",
            cause: Said(String(reason)))
    }

    private struct Said: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }
}
