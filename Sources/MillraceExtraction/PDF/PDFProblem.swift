import Glibc
import MillraceCore

/// What it means that one of poppler's programs did not end well. A value without I/O.
enum PDFProblem {
    /// - Parameters:
    ///   - status: as `waitpid` gives it.
    ///   - said: the end of what it wrote to standard error.
    /// - Returns: `nil` for a program that ended well.
    static func of(_ program: String, _ status: Int32, said: String) -> MillraceError? {
        let signal = status & 0x7F
        let code = (status >> 8) & 0xFF
        if status == 0 { return nil }
        if signal == SIGXCPU || signal == SIGKILL {
            return MillraceError(.extractionTimeout, "the PDF takes more processor time than it may: split it, or raise the limit")
        }
        if said.contains("bad_alloc") || said.contains("Out of memory") || said.contains("cannot allocate memory") {
            return MillraceError(.documentTooLarge, "the PDF takes more memory than it may: split it, or raise the limit")
        }
        if signal != 0 {
            return MillraceError(
                .extractionFailed, "\(program) failed at the PDF (signal \(signal)): try to save it anew", cause: Said(said))
        }
        if code == 127 || code == 126 {
            return MillraceError(
                .extractionFailed, "\(program) cannot be started where it is expected: install poppler-utils", cause: Said(said))
        }
        if said.contains("ncorrect password") || said.contains("ncrypt") || code == 3 {
            return MillraceError(.documentEncrypted, "the PDF asks for a password, or forbids that text is taken out: save it without")
        }
        return MillraceError(.documentDamaged, "the PDF cannot be read: it is cut off or damaged", cause: Said(said))
    }

    /// What a program said, for the log.
    private struct Said: Error, CustomStringConvertible {
        let description: String
        init(_ text: String) {
            description = text.split(whereSeparator: { $0.isWhitespace }).joined(separator: " ").suffix(300).description
        }
    }
}
