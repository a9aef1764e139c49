import MillraceCore

/// Where a secret stands that a configuration names instead of holding: `env:NAME`, `file:PATH`, `secret:NAME` or `secret:NAME#MEMBER`.
enum SecretReference: Equatable {
    case environment(String)
    case file(String)
    /// In the secret store, which is asked at every use.
    case stored(StoredSecret)

    /// How long a secret's file may be, in bytes.
    private static let fileLimit = 64 << 10

    /// - Returns: `nil` for a text that is no reference. What cannot be a variable's name is none: it may be the secret itself, and names
    ///   are shown.
    init?(_ text: String) {
        if text.hasPrefix("env:"), Self.isVariableName(text.dropFirst(4)) {
            self = .environment(String(text.dropFirst(4)))
        } else if text.hasPrefix("file:"), text.count > 5 {
            self = .file(String(text.dropFirst(5)))
        } else if text.hasPrefix("secret:"), let secret = StoredSecret(text.dropFirst(7)) {
            self = .stored(secret)
        } else {
            return nil
        }
    }

    private static func isVariableName(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_")
        }
    }

    /// The secret, without line breaks at its end.
    /// - Parameters:
    ///   - directory: what a relative path is relative to.
    ///   - environment: looks a variable up, in the environment and in `.env`.
    /// - Throws: why there is none, without anything of it.
    func resolve(in directory: String, environment: (String) -> String?) throws(MillraceError) -> SecretText {
        var text: Substring
        let origin: String
        switch self {
        case .stored:
            throw MillraceError(.configuration, "\(self) cannot be used here: give the secret as env:NAME or file:PATH")
        case .environment(let name):
            guard let value = environment(name), !value.isEmpty else {
                throw MillraceError(.configuration, "the environment variable \(name) is not set")
            }
            text = value[...]
            origin = "the variable \(name)"
        case .file(let name):
            let path = name.hasPrefix("/") || directory == "." ? name : directory + "/" + name
            let bytes = try BoundedFile.read(path, limit: Self.fileLimit)
            guard let value = String(validating: bytes, as: UTF8.self) else {
                throw MillraceError(.configuration, "\(path) is no text in UTF-8")
            }
            text = value[...]
            origin = "the file \(path)"
        }
        while text.last?.isNewline == true { text.removeLast() }
        guard !text.isEmpty else { throw MillraceError(.configuration, "the secret that \(self) names is empty") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw MillraceError(.configuration, "the secret that \(self) names holds a control character")
        }
        return SecretText(String(text), origin: origin)
    }
}

extension SecretReference: CustomStringConvertible {
    var description: String {
        switch self {
        case .environment(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        case .stored(let secret): "secret:\(secret)"
        }
    }
}
