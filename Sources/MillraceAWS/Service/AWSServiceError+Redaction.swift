import MillraceCore

extension AWSServiceError {
    /// Takes out of a refusal what belongs in no log and in no answer: the text that a signature was computed from, and secrets by their value.
    ///
    /// A service that finds another signature tells the whole canonical request, where `x-amz-security-token` stands in the clear (AWS Identity
    /// and Access Management User Guide, "Troubleshoot Signature Version 4"); S3 repeats an expired token in `Token-0`.
    /// - Parameter secrets: what was sent as proof. Of less than eight characters, a text may hold one by chance.
    mutating func redact(_ secrets: [String]) {
        if Self.signatureCodes.contains(code) {
            message = String(message.prefix { !$0.isNewline })
            for name in Self.signatureMembers { details[name] = nil }
        }
        for secret in secrets where secret.utf8.count >= 8 {
            message = message.replacing(secret, with: Self.mask)
            details = details.mapValues { Self.redacted($0, secret) }
        }
    }

    private static func redacted(_ value: JSONValue, _ secret: String) -> JSONValue {
        switch value {
        case .string(let text): .string(text.replacing(secret, with: mask))
        case .array(let elements): .array(elements.map { redacted($0, secret) })
        case .object(let members): .object(members.mapValues { redacted($0, secret) })
        default: value
        }
    }

    private static let mask = "********"
    private static let signatureCodes: Set = [
        "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException",
    ]
    private static let signatureMembers = [
        "CanonicalRequest", "CanonicalRequestBytes", "StringToSign", "StringToSignBytes", "SignatureProvided",
    ]
}
