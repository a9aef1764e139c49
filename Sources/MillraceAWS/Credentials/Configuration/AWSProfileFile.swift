package import MillraceCore

/// The text of `~/.aws/config` or `~/.aws/credentials`, taken apart into sections and their settings.
///
/// It reads what botocore reads (Python's `configparser` as botocore sets it up), which is what people's files were written against:
/// - `[section]`, then `key = value` or `key: value`; keys are matched in any case, later spaces are cut off;
/// - lines indented deeper than their key go on with its value; a value of such lines alone is a group of settings, as under `s3 =`;
/// - `#` and `;` begin a comment at the start of a line only; empty lines mean nothing;
/// - a section or key that stands twice is an error, as is any line that is none of these.
///
/// Beyond botocore, a byte order mark at the start is skipped. Format: AWS SDKs and Tools Reference Guide, "Shared config and credentials
/// files". That guide merges sections that stand twice, and begins comments behind a value's space; botocore does neither.
///
/// It prints without its values: any may be a secret.
package struct AWSProfileFile: Sendable, Equatable {
    /// What stands behind a key.
    package enum Value: Sendable, Equatable {
        case text(String)
        /// Settings of a deeper level.
        case group([String: String])
    }

    package struct Section: Sendable, Equatable {
        package var name: String
        package var settings: [String: Value]
    }

    /// In the file's order.
    package let sections: [Section]

    /// No sections, as of a file that is not there.
    package init() { sections = [] }

    /// Reads a file's text.
    /// - Parameter name: the file's name, for errors.
    /// - Throws: ``MillraceError`` with ``ErrorCode/awsCredentials`` that names the line and what is wrong with it, never its text.
    package init(parsing bytes: [UInt8], name: String) throws(MillraceError) {
        let withoutMark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        guard let text = String(validating: withoutMark, as: UTF8.self) else {
            throw MillraceError(.awsCredentials, "\(name) is not encoded as UTF-8: save it as UTF-8")
        }
        var parser = ProfileFileParser(name: name)
        for line in ProfileFileParser.lines(text) { try parser.receive(line) }
        sections = try parser.finish()
    }

    /// The settings of a section by its whole name, such as `dev` in the credentials file.
    package subscript(name: String) -> [String: Value]? { sections.first { $0.name == name }?.settings }
}

extension AWSProfileFile.Value: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "********" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
