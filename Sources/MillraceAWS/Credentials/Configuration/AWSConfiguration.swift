package import MillraceCore

/// What the environment and the files of AWS's tools say of one profile: region, endpoints, switches, and (for ``AWSCredentialChain``)
/// where credentials come from. A value: the files were read when it was made.
///
/// Variables that are set to nothing count as not set. (botocore takes some of them at their word, and finds a profile without a name.)
/// `AWS_CA_BUNDLE` and `ca_bundle` are not read: the certificates that are trusted are a setting of the whole server, `http.caFile`.
package struct AWSConfiguration: Sendable {
    /// The environment's variables.
    package let environment: [String: String]
    /// The user's home directory.
    package let home: String
    /// The profile that counts: the one given, else of `AWS_DEFAULT_PROFILE`, else of `AWS_PROFILE`, else `default`. (AWS's guide knows
    /// `AWS_PROFILE` alone; botocore looks at both, in this order.)
    package let profileName: String
    /// Who named the profile.
    package let profileOrigin: ProfileOrigin
    package let shared: AWSSharedConfiguration
    /// The files' paths.
    package let configPath: String
    package let credentialsPath: String
    /// What was passed over while the files were read, for the error that no credentials were found.
    let notes: [String]

    package enum ProfileOrigin: Sendable, Equatable {
        /// The caller: variables with keys do not count then.
        case given
        case environment(String)
        case standard
    }

    package init(
        profile: String?, environment: [String: String], home: String, config: AWSProfileFile, credentials: AWSProfileFile,
        notes: [String] = []
    ) {
        self.environment = environment.filter { !$0.value.isEmpty }
        self.home = home
        if let profile {
            (profileName, profileOrigin) = (profile, .given)
        } else if let variable = ["AWS_DEFAULT_PROFILE", "AWS_PROFILE"].first(where: { environment[$0]?.isEmpty == false }) {
            (profileName, profileOrigin) = (environment[variable] ?? "", .environment(variable))
        } else {
            (profileName, profileOrigin) = ("default", .standard)
        }
        shared = AWSSharedConfiguration(config: config, credentials: credentials)
        configPath = Self.path(.config, environment, home: home)
        credentialsPath = Self.path(.credentials, environment, home: home)
        self.notes = notes
    }

    /// Reads the files and makes the value.
    /// - Parameters:
    ///   - profile: the profile's name; `nil`: as the environment says.
    ///   - home: the directory that `~` stands for.
    ///   - blocking: where the files are read.
    /// - Throws: ``MillraceError`` with ``ErrorCode/awsCredentials`` for a file that cannot be read or understood, and for a profile that
    ///   was named and is in neither file.
    package static func load(
        profile: String? = nil, environment: [String: String], home: String, blocking: BlockingExecutor
    ) async throws -> AWSConfiguration {
        try await blocking.run { try read(profile: profile, environment: environment, home: home) }
    }

    /// As ``load(profile:environment:home:blocking:)``, on the caller's thread: for start-up and the command line.
    package static func read(
        profile: String? = nil, environment: [String: String], home: String
    ) throws(MillraceError) -> AWSConfiguration {
        var notes: [String] = []
        let config = try read(.config, environment, home: home, notes: &notes)
        let credentials = try read(.credentials, environment, home: home, notes: &notes)
        let configuration = AWSConfiguration(
            profile: profile, environment: environment, home: home, config: config, credentials: credentials, notes: notes)
        try configuration.checkProfile()
        return configuration
    }

    /// The settings of the profile.
    package var profile: [String: AWSProfileFile.Value] { shared.profiles[profileName] ?? [:] }

    /// A setting: of the first variable that is set, else of the profile.
    func setting(_ variables: [String], _ key: String) -> String? {
        for variable in variables { if let value = environment[variable] { return value } }
        return profile.text(key)
    }

    /// - Throws: where a profile was named that is in neither file.
    package func checkProfile() throws(MillraceError) {
        guard profileOrigin != .standard, shared.profiles[profileName] == nil else { return }
        let known = shared.profiles.keys.sorted()
        let advice = known.isEmpty ? "there are none" : "there are " + known.prefix(20).joined(separator: ", ")
        let who = if case .environment(let variable) = profileOrigin { " (of \(variable))" } else { "" }
        throw MillraceError(
            .awsCredentials,
            "the profile '\(profileName)'\(who) is neither in \(configPath) nor in \(credentialsPath): \(advice)"
                + Suggestion.phrase(for: profileName, among: known))
    }

    // MARK: Files

    private enum File {
        case config
        case credentials

        var variable: String { self == .config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE" }
        var name: String { self == .config ? "config" : "credentials" }
    }

    private static func path(_ file: File, _ environment: [String: String], home: String) -> String {
        let given = environment[file.variable].flatMap { $0.isEmpty ? nil : $0 }
        return expanded(given ?? "~/.aws/\(file.name)", environment, home: home)
    }

    private static func read(
        _ file: File, _ environment: [String: String], home: String, notes: inout [String]
    ) throws(MillraceError) -> AWSProfileFile {
        let path = path(file, environment, home: home)
        let isNamed = environment[file.variable]?.isEmpty == false
        let bytes: [UInt8]
        do throws(MillraceError) { bytes = try BoundedFile.read(path, limit: byteLimit) } catch {
            // A file that nobody named need not be there, nor need the home directory be this user's.
            guard error.code == .notFound || error.code == .system && !isNamed else {
                throw MillraceError(.awsCredentials, "\(error.message) (the file of \(file.variable))")
            }
            notes.append(
                error.code == .notFound
                    ? "\(path)\(isNamed ? " (of \(file.variable))" : "") does not exist" : error.message)
            return AWSProfileFile()
        }
        return try AWSProfileFile(parsing: bytes, name: path)
    }

    /// `~` at the start, `$NAME` and `${NAME}` replaced; a variable that is not set stays as it is.
    static func expanded(_ path: String, _ environment: [String: String], home: String) -> String {
        var out = ""
        var rest = path[...]
        while let dollar = rest.firstIndex(of: "$") {
            out += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            let isBraced = rest.first == "{"
            let name =
                isBraced
                ? rest.dropFirst().prefix { $0 != "}" } : rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            let ends = isBraced && name.endIndex < rest.endIndex ? rest.index(after: name.endIndex) : name.endIndex
            let value = !name.isEmpty && (!isBraced || name.endIndex < rest.endIndex) ? environment[String(name)] : nil
            out += value ?? "$" + rest[..<ends]
            rest = rest[ends...]
        }
        out += rest
        if out == "~" || out.hasPrefix("~/") { out = home + out.dropFirst() }
        return out
    }

    private static let byteLimit = 1 << 20
}
