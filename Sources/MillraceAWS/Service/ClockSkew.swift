import MillraceCore
import MillraceHTTPClient

/// How far the machine's clock is from a service's, as the service said when it refused a signature for its time.
final class ClockSkew: Sendable {
    private let microseconds = Locked<Int64>(0)

    /// What is added to the machine's time now, in microseconds.
    var offset: Int64 { microseconds.withLock { $0 } }

    func corrected(_ time: Timestamp) -> Timestamp { Timestamp(microseconds: time.microseconds + offset) }

    /// Learns from a refusal.
    /// - Parameters:
    ///   - date: the response's `Date`.
    ///   - used: the offset of the signature that was refused; another call may have learned a better one since.
    /// - Returns: whether a new signature can help.
    func isCorrected(by error: AWSServiceError, date: String?, used: Int64, now: Timestamp) -> Bool {
        guard Self.codes.contains(error.code), let date,
            let seconds = HTTPDateParser.epochSeconds(date, now: now.microseconds / 1_000_000)
        else { return false }
        let found = seconds * 1_000_000 - now.microseconds
        // A signature is refused from five minutes on; what is closer was refused for something else.
        guard abs(found - used) > Self.tolerance else { return false }
        microseconds.withLock { $0 = found }
        return true
    }

    private static let tolerance: Int64 = 240_000_000
    private static let codes: Set = [
        "RequestTimeTooSkewed", "RequestExpired", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "RequestInTheFuture",
    ]
}
