package import MillraceCore

extension MillraceError {
    /// What a transport throws for a response with a head or a body above its bounds. Nobody's request was too large: the peer's answer was.
    static func responseTooLong(_ message: String) -> MillraceError {
        MillraceError(.limitExceeded, message, details: ["exceeded_by": "response"])
    }

    /// Whether the peer's answer exceeded a bound, not the request.
    package var isResponseTooLong: Bool { code == .limitExceeded && details["exceeded_by"] == "response" }
}
