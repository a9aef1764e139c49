package import MillraceCore

/// Hides what must not be printed.
package enum SecretMask {
    package static let text = "********"

    private static let telling = ["secret", "password", "passwd", "token", "apikey", "api_key", "credential", "privatekey", "private_key"]

    /// Whether a member of that name is probably a secret.
    package static func isSecretName(_ name: String) -> Bool {
        let name = name.lowercased()
        // Counts, such as maxTokens, are no secrets.
        return !name.hasSuffix("tokens") && telling.contains { name.contains($0) }
    }

    /// Whether a header field of that name carries a secret.
    package static func isSecretHeader(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["authorization", "proxy-authorization", "cookie"].contains(name) || isSecretName(name.filter { $0 != "-" })
    }

    /// The value with every member whose name tells of a secret replaced, at any depth.
    package static func mask(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): .array(elements.map(mask))
        case .object(let members):
            .object(
                Dictionary(
                    uniqueKeysWithValues: members.map {
                        ($0.key, isSecretName($0.key) && !$0.value.isNull ? .string(text) : mask($0.value))
                    })
            )
        default: value
        }
    }
}
