import Glibc
import Millrace
import MillraceCore

/// A place in ``ServerSettings``. Key paths without captures are safe to share, which the annotation says to the compiler.
typealias SettingPath<Value> = any WritableKeyPath<ServerSettings, Value> & Sendable

extension SettingDescriptor {
    static func integer(
        _ key: String, _ environmentName: String, flag: String? = nil, _ range: ClosedRange<Int>, _ path: SettingPath<Int>,
        _ documentation: String
    ) -> SettingDescriptor {
        SettingDescriptor(
            key: key, environmentName: environmentName, flag: flag, kind: .integer(range), documentation: documentation,
            write: { if case .integer(let value) = $1 { $0[keyPath: path] = value } }, read: { .integer($0[keyPath: path]) })
    }

    static func seconds(
        _ key: String, _ environmentName: String, _ range: ClosedRange<Double>, _ path: SettingPath<Double>, _ documentation: String
    ) -> SettingDescriptor {
        SettingDescriptor(
            key: key, environmentName: environmentName, kind: .seconds(range), documentation: documentation,
            write: { if case .seconds(let value) = $1 { $0[keyPath: path] = value } }, read: { .seconds($0[keyPath: path]) })
    }

    static func bool(
        _ key: String, _ environmentName: String, flag: String? = nil, _ path: SettingPath<Bool>, _ documentation: String
    ) -> SettingDescriptor {
        SettingDescriptor(
            key: key, environmentName: environmentName, flag: flag, kind: .bool, documentation: documentation,
            write: { if case .bool(let value) = $1 { $0[keyPath: path] = value } }, read: { .bool($0[keyPath: path]) })
    }

    static func text(
        _ key: String, _ environmentName: String, flag: String? = nil, _ path: SettingPath<String>, _ documentation: String,
        check: @escaping @Sendable (String) -> String? = { $0.isEmpty ? "text that is not empty" : nil }
    ) -> SettingDescriptor {
        SettingDescriptor(
            key: key, environmentName: environmentName, flag: flag, kind: .text, documentation: documentation, check: check,
            write: { if case .text(let value) = $1 { $0[keyPath: path] = value } }, read: { .text($0[keyPath: path]) })
    }

    static func optionalText(
        _ key: String?, _ environmentName: String, flag: String? = nil, _ path: SettingPath<String?>, _ documentation: String,
        check: @escaping @Sendable (String) -> String? = { _ in nil }
    ) -> SettingDescriptor {
        SettingDescriptor(
            key: key, environmentName: environmentName, flag: flag, kind: .text, documentation: documentation, check: check,
            write: { if case .text(let value) = $1 { $0[keyPath: path] = value } }, read: { $0[keyPath: path].map { .text($0) } })
    }

    static func list(
        _ key: String, _ environmentName: String, _ path: SettingPath<[String]>, _ documentation: String,
        check: @escaping @Sendable (String) -> String?
    ) -> SettingDescriptor {
        SettingDescriptor(
            key: key, environmentName: environmentName, kind: .list, documentation: documentation, check: check,
            write: { if case .list(let value) = $1 { $0[keyPath: path] = value } }, read: { .list($0[keyPath: path]) })
    }

    /// One of a closed set, each with a name.
    static func choice<Value: Sendable>(
        _ key: String, _ environmentName: String, flag: String? = nil, _ values: [(name: String, value: Value)], _ path: SettingPath<Value>,
        _ documentation: String, name: @escaping @Sendable (Value) -> String
    ) -> SettingDescriptor {
        SettingDescriptor(
            key: key, environmentName: environmentName, flag: flag, kind: .choice(values.map(\.name)), documentation: documentation,
            write: { settings, found in
                if case .text(let text) = found, let match = values.first(where: { $0.name == text }) {
                    settings[keyPath: path] = match.value
                }
            }, read: { .text(name($0[keyPath: path])) })
    }
}

/// What is wrong with a text, for the settings that have a form.
enum SettingChecks {
    static let address: @Sendable (String) -> String? = { text in
        var storage = in6_addr()
        let isAddress = inet_pton(AF_INET, text, &storage) == 1 || inet_pton(AF_INET6, text, &storage) == 1
        return isAddress ? nil : "a numeric IPv4 or IPv6 address, such as 127.0.0.1, 0.0.0.0 or ::1"
    }

    static let hostName: @Sendable (String) -> String? = { text in
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "@") }
        return isPlain ? nil : "host names without scheme or path, such as millrace.example.com"
    }

    static let origin: @Sendable (String) -> String? = { text in
        if text == "*" { return nil }
        let isPrefixed = text.hasPrefix("http://") || text.hasPrefix("https://")
        let host = text.drop { $0 != "/" }.dropFirst(2)
        return isPrefixed && !host.isEmpty && !host.contains("/") && !host.contains("*")
            ? nil : "origins such as https://app.example.com (scheme and host, no path), or * for all"
    }

    static let secretNamePrefix: @Sendable (String) -> String? = { text in
        let isPrefix = text.isEmpty || (try? SecretRules.check(name: text)) != nil && text.utf8.count <= 256
        return isPrefix ? nil : "up to 256 ASCII letters, digits and /_+=.@-"
    }

    static let environmentName: @Sendable (String) -> String? = { text in
        let isName = text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F }
        return isName && !text.isEmpty ? nil : "a name of lower-case letters, digits, - and _"
    }
}
