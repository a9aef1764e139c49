import Glibc

/// The variables of the environment as AWS's tools read them: credentials, profile, region, endpoints, and `HOME`. They print as nothing.
///
/// They surround the settings and are not compared: all are equal.
public struct AWSVariables: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The variables by name. A `credential_process` gets all of them.
    package let values: [String: String]

    /// Variables by name.
    public init(_ values: [String: String]) { self.values = values }

    /// The process's own.
    public static let process: AWSVariables = {
        var values: [String: String] = [:]
        var place = environ
        while let entry = place.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") { values[String(text[..<equals])] = String(text[text.index(after: equals)...]) }
            place += 1
        }
        return AWSVariables(values)
    }()

    /// True.
    public static func == (left: AWSVariables, right: AWSVariables) -> Bool { true }

    /// The names only: values may be secrets.
    public var description: String { values.keys.filter { $0.hasPrefix("AWS_") }.sorted().joined(separator: ", ") }
    /// Nothing: `dump` must not show secrets either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
