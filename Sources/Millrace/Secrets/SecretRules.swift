package import MillraceCore

/// What every store holds names and values to.
package enum SecretRules {
    package static let nameCharacterLimit = 512
    package static let valueByteLimit = 65_536

    /// - Throws: ``ErrorCode/invalidInput`` for a name that is none.
    package static func check(name: String) throws(MillraceError) {
        guard (1...nameCharacterLimit).contains(name.utf8.count), name.utf8.allSatisfy(isNameByte) else {
            let shown = name.count > 60 ? name.prefix(60) + "…" : name[...]
            throw MillraceError(
                .invalidInput,
                "'\(shown)' is no secret's name: expected 1 to \(nameCharacterLimit) ASCII letters, digits and /_+=.@-, such as app/api-key"
            )
        }
    }

    /// - Throws: ``ErrorCode/invalidInput`` for a value that is empty or too long. It is not quoted.
    package static func check(value: String, of name: String) throws(MillraceError) {
        let count = value.utf8.count
        guard (1...valueByteLimit).contains(count) else {
            throw MillraceError(
                .invalidInput, "the value of the secret '\(name)' has \(count) bytes: expected 1 to \(valueByteLimit)")
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "/_+=.@-".utf8.contains(byte)
        }
    }
}
