/// The two files of AWS's tools together: profiles, sessions of IAM Identity Center, and groups of service settings.
package struct AWSSharedConfiguration: Sendable, Equatable {
    /// Every profile, the settings of the credentials file over those of the config file.
    package let profiles: [String: [String: AWSProfileFile.Value]]
    /// The profiles of the config file alone.
    let configProfiles: [String: [String: AWSProfileFile.Value]]
    /// The profiles of the credentials file alone.
    let credentialsProfiles: [String: [String: AWSProfileFile.Value]]
    let ssoSessions: [String: [String: AWSProfileFile.Value]]
    let services: [String: [String: AWSProfileFile.Value]]

    package init(config: AWSProfileFile, credentials: AWSProfileFile) {
        var profiles: [String: [String: AWSProfileFile.Value]] = [:]
        var sessions: [String: [String: AWSProfileFile.Value]] = [:]
        var services: [String: [String: AWSProfileFile.Value]] = [:]
        for section in config.sections {
            // Of two sections for one profile, such as [default] and [profile default], the later counts. (AWS's guide: the latter.)
            if section.name == "default" {
                profiles["default"] = section.settings
            } else if let name = Self.name(in: section.name, behind: "profile") {
                profiles[name] = section.settings
            } else if let name = Self.name(in: section.name, behind: "sso-session") {
                sessions[name] = section.settings
            } else if let name = Self.name(in: section.name, behind: "services") {
                services[name] = section.settings
            }
        }
        let ofCredentials = Dictionary(credentials.sections.map { ($0.name, $0.settings) }, uniquingKeysWith: { $1 })
        configProfiles = profiles
        credentialsProfiles = ofCredentials
        self.profiles = profiles.merging(ofCredentials) { $0.merging($1, uniquingKeysWith: { $1 }) }
        ssoSessions = sessions
        self.services = services
    }

    /// `dev` in `profile dev` or `profile "dev"`.
    private static func name(in section: String, behind kind: String) -> String? {
        guard section.hasPrefix(kind), let words = try? ShellWords.split(section), words.count == 2 else { return nil }
        return words[1]
    }
}

extension [String: AWSProfileFile.Value] {
    /// A setting's text; `nil` where there is none, or a group stands there.
    func text(_ key: String) -> String? { if case .text(let text)? = self[key] { text } else { nil } }

    /// The settings of a group.
    func group(_ key: String) -> [String: String]? { if case .group(let group)? = self[key] { group } else { nil } }
}
