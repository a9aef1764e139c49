import MillraceCore

/// A signature and what it was made of.
package struct SigV4Signature: Sendable, Equatable {
    package let canonicalRequest: CanonicalRequest
    package let stringToSign: String
    /// The access key's id and the scope, such as `AKIDEXAMPLE/20150830/us-east-1/service/aws4_request`.
    package let credential: String
    /// 64 hexadecimal digits.
    package let signature: String
    let scope: SigningScope
    let key: SigningKey

    /// The value of the field `Authorization`.
    package var authorization: String {
        "AWS4-HMAC-SHA256 Credential=\(credential), SignedHeaders=\(canonicalRequest.signedHeaders), Signature=\(signature)"
    }

    init(of canonicalRequest: CanonicalRequest, scope: SigningScope, key: SigningKey, accessKeyID: String) {
        self.canonicalRequest = canonicalRequest
        self.scope = scope
        self.key = key
        credential = "\(accessKeyID)/\(scope.text)"
        stringToSign = "AWS4-HMAC-SHA256\n\(scope.time)\n\(scope.text)\n\(SHA256.hexadecimal(canonicalRequest.text.utf8))"
        signature = key.signature(of: stringToSign)
    }
}

/// When and for what a signature is valid.
struct SigningScope: Sendable, Equatable {
    /// `20150830T123600Z`
    let time: String
    /// `20150830/us-east-1/service/aws4_request`
    let text: String

    /// `20150830`
    var date: Substring { time.prefix(8) }

    init(_ time: Timestamp, region: String, service: String) {
        self.time = time.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
        text = "\(self.time.prefix(8))/\(region)/\(service)/aws4_request"
    }
}

/// The key of a day, a region and a service, derived from a secret.
///
/// It is derived for every request: four codes of about a microsecond each are less than what a lock around kept keys would be worth.
struct SigningKey: Sendable, Equatable {
    private let bytes: [UInt8]

    init(secret: String, date: Substring, region: String, service: String) {
        var key = Array("AWS4\(secret)".utf8)
        for part in [Array(date.utf8), Array(region.utf8), Array(service.utf8), Array("aws4_request".utf8)] {
            key = SHA256.authenticationCode(of: part, key: key)
        }
        bytes = key
    }

    func signature(of text: String) -> String { Hexadecimal.text(SHA256.authenticationCode(of: Array(text.utf8), key: bytes)) }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    var description: String { "a signing key" }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}
