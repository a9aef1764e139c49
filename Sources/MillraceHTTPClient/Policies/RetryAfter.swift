import MillraceCore

/// How long a response asks its client to wait before it tries again.
struct RetryAfter: Equatable, Sendable {
    /// At least 0; `Int64.max` for what does not fit.
    let nanoseconds: Int64

    init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Reads `retry-after-ms`, which OpenAI and Azure send, and otherwise `Retry-After`: seconds or a date (RFC 9110, section 10.2.3).
    ///
    /// Fractions of a second are accepted, as the SDKs of OpenAI and Anthropic do. What cannot be read counts as absent.
    init?(_ headers: HTTPClientHeaders, wall: @autoclosure () -> Timestamp) {
        if let text = headers["retry-after-ms"], let value = Self.decimal(text, unit: 1_000_000) {
            nanoseconds = value
            return
        }
        guard let text = headers["retry-after"] else { return nil }
        if let value = Self.decimal(text, unit: 1_000_000_000) {
            nanoseconds = value
            return
        }
        let now = wall()
        guard let date = HTTPDateParser.epochSeconds(text, now: now.microseconds / 1_000_000) else { return nil }
        let (microseconds, _) = (date * 1_000_000).subtractingReportingOverflow(now.microseconds)
        let (value, overflow) = max(microseconds, 0).multipliedReportingOverflow(by: 1000)
        nanoseconds = overflow ? .max : value
    }

    /// Digits with an optional fraction, in units of `unit` nanoseconds; saturates.
    private static func decimal(_ text: String, unit: Int64) -> Int64? {
        let trimmed = text.utf8.drop { $0 == 0x20 || $0 == 0x09 }
        var value: Int64 = 0
        var fraction: Int64?
        var digits = 0
        for (index, byte) in trimmed.enumerated() {
            if byte == 0x20 || byte == 0x09 {
                guard trimmed.dropFirst(index).allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { return nil }
                break
            }
            if byte == UInt8(ascii: "."), fraction == nil {
                fraction = unit
                continue
            }
            guard (0x30...0x39).contains(byte) else { return nil }
            digits += 1
            let digit = Int64(byte - 0x30)
            if let scale = fraction {
                fraction = scale / 10
                value = saturated(value.addingReportingOverflow(digit * (scale / 10)))
            } else {
                value = saturated(value.multipliedReportingOverflow(by: 10))
                value = saturated(value.addingReportingOverflow(saturated(digit.multipliedReportingOverflow(by: unit))))
            }
        }
        return digits > 0 ? value : nil
    }

    private static func saturated(_ result: (partialValue: Int64, overflow: Bool)) -> Int64 {
        result.overflow ? .max : result.partialValue
    }
}
