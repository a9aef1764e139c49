import MillraceCore

extension CredentialPlanner {
    /// What a profile holds beside a role.
    /// - Parameter usesEnvironment: whether the environment's web identity counts before the profile's.
    func profileSource(_ name: String, usesEnvironment: Bool) throws(MillraceError) -> CredentialSource? {
        let profile = configuration.shared.profiles[name] ?? [:]
        if let source = try webIdentity(name, profile, usesEnvironment: usesEnvironment) { return source }
        if let source = try sso(name, profile) { return source }
        if let source = try keys(name, configuration.shared.credentialsProfiles[name], configuration.credentialsPath) { return source }
        if profile["login_session"] != nil {
            throw failure(
                "the profile '\(name)' was made by `aws login`, which is not read here: add a profile with credential_process = "
                    + "aws configure "
                    + "export-credentials --profile \(name) --format process")
        }
        if let text = profile.text("credential_process") { return try process(name, text) }
        return try keys(name, configuration.shared.configProfiles[name], configuration.configPath)
    }

    private func failure(_ message: String) -> MillraceError { MillraceError(.awsCredentials, message) }

    private func webIdentity(
        _ name: String, _ profile: [String: AWSProfileFile.Value], usesEnvironment: Bool
    ) throws(MillraceError) -> CredentialSource? {
        let environment = usesEnvironment ? configuration.environment : [:]
        let variable = environment["AWS_WEB_IDENTITY_TOKEN_FILE"]
        guard let file = variable ?? profile.text("web_identity_token_file"), !file.isEmpty else { return nil }
        let origin = variable != nil ? "the environment" : "the profile '\(name)'"
        guard let role = environment["AWS_ROLE_ARN"] ?? profile.text("role_arn"), !role.isEmpty else {
            throw failure(
                "\(origin) names a web identity's token and no role: set "
                    + (variable != nil ? "AWS_ROLE_ARN" : "role_arn in the profile"))
        }
        return .webIdentity(
            .init(
                roleARN: role, tokenFile: file, sessionName: environment["AWS_ROLE_SESSION_NAME"] ?? profile.text("role_session_name"),
                origin: origin))
    }

    private func keys(
        _ name: String, _ profile: [String: AWSProfileFile.Value]?, _ path: String
    ) throws(MillraceError) -> CredentialSource? {
        guard let profile, let key = profile.text("aws_access_key_id") else { return nil }
        guard let secret = profile.text("aws_secret_access_key") else {
            throw failure("the profile '\(name)' in \(path) has an aws_access_key_id without an aws_secret_access_key")
        }
        return .keys(
            AWSCredentials(
                accessKeyID: key, secretAccessKey: secret,
                sessionToken: profile.text("aws_security_token") ?? profile.text("aws_session_token"),
                origin: "the profile '\(name)' in \(path)"))
    }

    private func process(_ name: String, _ text: String) throws(MillraceError) -> CredentialSource {
        let words: [String]
        do throws(MillraceError) { words = try ShellWords.split(text) } catch {
            throw failure("credential_process of the profile '\(name)' cannot be split into words: \(error.message)")
        }
        guard words.first?.isEmpty == false else { throw failure("credential_process of the profile '\(name)' names no program") }
        return .process(.init(profile: name, command: words))
    }

    private func sso(_ name: String, _ profile: [String: AWSProfileFile.Value]) throws(MillraceError) -> CredentialSource? {
        guard profile["sso_role_name"] != nil || profile["sso_account_id"] != nil else { return nil }
        var settings = profile
        let session = profile.text("sso_session")
        if let session {
            guard let values = configuration.shared.ssoSessions[session] else {
                throw failure(
                    "the profile '\(name)' names the sso_session '\(session)', and \(configuration.configPath) has no such section")
            }
            for (key, value) in values {
                if let own = profile[key], own != value {
                    throw failure(
                        "\(key) differs between the profile '\(name)' and its sso_session '\(session)': remove it from the profile")
                }
                settings[key] = value
            }
        }
        let missing = ["sso_role_name", "sso_account_id", "sso_start_url", "sso_region"].filter { settings.text($0) == nil }
        guard missing.isEmpty, let startURL = settings.text("sso_start_url"), let region = settings.text("sso_region"),
            let account = settings.text("sso_account_id"), let role = settings.text("sso_role_name")
        else { throw failure("the profile '\(name)' uses IAM Identity Center and lacks \(missing.joined(separator: ", "))") }
        return .sso(.init(profile: name, session: session, startURL: startURL, region: region, accountID: account, roleName: role))
    }
}
