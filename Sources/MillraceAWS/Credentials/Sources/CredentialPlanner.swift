import MillraceCore

/// Decides where credentials come from, in botocore's order. A value: it asks nobody.
///
/// 1. `AWS_ACCESS_KEY_ID` and its companions, unless the caller named a profile;
/// 2. the profile's `role_arn`, with `source_profile` or `credential_source`;
/// 3. a web identity's token, of the environment (unless the caller named a profile) or the profile;
/// 4. the profile's IAM Identity Center settings;
/// 5. the profile's keys in the credentials file;
/// 6. the profile's `credential_process`;
/// 7. the profile's keys in the config file;
/// 8. the container's endpoint;
/// 9. the instance metadata service.
///
/// What is configured and wrong is an error; nothing further down takes its place. AWS's guide puts the environment's web identity (3)
/// before the profile's role (2), and lets SDKs differ. Not read: `AWS_CREDENTIAL_FILE` and `~/.boto` of older tools, and `login_session`.
struct CredentialPlanner {
    struct Plan: Sendable {
        /// `nil`: there is nothing to ask.
        var source: CredentialSource?
        /// What was looked at before, and why it does not count.
        var passedOver: [String]
    }

    let configuration: AWSConfiguration
    private var environment: [String: String] { configuration.environment }
    private var shared: AWSSharedConfiguration { configuration.shared }

    func plan() throws(MillraceError) -> Plan {
        try configuration.checkProfile()
        var passedOver: [String] = []
        let isGiven = configuration.profileOrigin == .given
        if isGiven {
            passedOver.append("environment: not looked at, since the profile '\(configuration.profileName)' was asked for")
        } else if let source = try environmentKeys() {
            return Plan(source: source, passedOver: passedOver)
        } else {
            passedOver.append("environment: AWS_ACCESS_KEY_ID is not set")
        }
        let name = configuration.profileName
        if Self.hasRole(configuration.profile) {
            return Plan(source: try role(of: name, visited: [name]), passedOver: passedOver)
        }
        if let source = try profileSource(name, usesEnvironment: !isGiven) { return Plan(source: source, passedOver: passedOver) }
        if !isGiven { passedOver.append("web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set") }
        passedOver.append(
            "profile: " + (shared.profiles[name] == nil ? "there is no profile '\(name)'" : "the profile '\(name)' holds no credentials")
                + (configuration.notes.isEmpty ? "" : " (\(configuration.notes.joined(separator: "; ")))"))
        if let source = container() { return Plan(source: source, passedOver: passedOver) }
        passedOver.append(
            "container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set")
        guard let instance = try instance() else {
            passedOver.append("instance metadata: switched off by AWS_EC2_METADATA_DISABLED")
            return Plan(source: nil, passedOver: passedOver)
        }
        return Plan(source: .instance(instance), passedOver: passedOver)
    }

    private func failure(_ message: String) -> MillraceError { MillraceError(.awsCredentials, message) }

    // MARK: The environment

    private func environmentKeys() throws(MillraceError) -> CredentialSource? {
        guard let key = environment["AWS_ACCESS_KEY_ID"] else { return nil }
        guard let secret = environment["AWS_SECRET_ACCESS_KEY"] else {
            throw failure("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY: set both or neither")
        }
        var expiration: Timestamp?
        if let text = environment["AWS_CREDENTIAL_EXPIRATION"] {
            guard let time = AWSTimeText.parse(text) else {
                throw failure("AWS_CREDENTIAL_EXPIRATION is no time such as 2026-11-21T03:44:17Z")
            }
            expiration = time
        }
        return .keys(
            AWSCredentials(
                accessKeyID: key, secretAccessKey: secret,
                // The older name first, as botocore has it.
                sessionToken: environment["AWS_SECURITY_TOKEN"] ?? environment["AWS_SESSION_TOKEN"], expiration: expiration,
                origin: "the environment"))
    }

    private func container() -> CredentialSource? {
        let url: String
        if let relative = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            url = "http://169.254.170.2" + relative
        } else if let full = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            url = full
        } else {
            return nil
        }
        return .container(
            .init(
                url: url, token: environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"],
                tokenFile: environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]))
    }

    /// - Returns: `nil` where the service is not to be asked.
    func instance() throws(MillraceError) -> CredentialSource.InstanceMetadataSettings? {
        guard environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else { return nil }
        let mode =
            configuration.setting(["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"], "ec2_metadata_service_endpoint_mode")?.lowercased() ?? "ipv4"
        guard mode == "ipv4" || mode == "ipv6" else {
            throw failure("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE or ec2_metadata_service_endpoint_mode is '\(mode)': write IPv4 or IPv6")
        }
        var endpoint =
            configuration.setting(["AWS_EC2_METADATA_SERVICE_ENDPOINT"], "ec2_metadata_service_endpoint")
            ?? (mode == "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254")
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
        var settings = CredentialSource.InstanceMetadataSettings(endpoint: endpoint)
        settings.timeoutSeconds = try number("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", 1...60) ?? settings.timeoutSeconds
        settings.attempts = try number("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", 1...10) ?? settings.attempts
        return settings
    }

    private func number(_ variable: String, _ key: String, _ range: ClosedRange<Int>) throws(MillraceError) -> Int? {
        guard let text = configuration.setting([variable], key) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw failure("\(variable) or \(key) must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    // MARK: Roles

    /// A profile with a web identity's token takes its role with that.
    private static func hasRole(_ profile: [String: AWSProfileFile.Value]) -> Bool {
        profile["role_arn"] != nil && profile["web_identity_token_file"] == nil
    }

    private static func hasKeys(_ profile: [String: AWSProfileFile.Value]) -> Bool {
        profile["aws_access_key_id"] != nil || profile["aws_secret_access_key"] != nil
    }

    private func role(of name: String, visited: [String]) throws(MillraceError) -> CredentialSource {
        let profile = shared.profiles[name] ?? [:]
        guard let arn = profile.text("role_arn") else { throw failure("the profile '\(name)' has a role_arn that is no text") }
        var settings = CredentialSource.RoleSettings(
            profile: name, roleARN: arn, sessionName: profile.text("role_session_name"), externalID: profile.text("external_id"),
            mfaSerial: profile.text("mfa_serial"))
        if let text = profile.text("duration_seconds") {
            guard let seconds = Int(text) else { throw failure("duration_seconds of the profile '\(name)' is no whole number") }
            settings.duration = seconds
        }
        switch (profile.text("source_profile"), profile.text("credential_source")) {
        case (_?, _?): throw failure("the profile '\(name)' has both source_profile and credential_source: remove one")
        case (nil, nil):
            throw failure(
                "the profile '\(name)' has a role_arn and says with what it is taken in neither source_profile nor credential_source")
        case (nil, let source?): return .role(settings, from: try named(source, of: name))
        case (let source?, nil): return .role(settings, from: try sourceProfile(source, of: name, visited: visited))
        }
    }

    private func named(_ source: String, of name: String) throws(MillraceError) -> CredentialSource {
        switch source {
        case "Environment":
            guard let keys = try environmentKeys() else {
                throw failure("the profile '\(name)' takes its role with the environment's keys, and AWS_ACCESS_KEY_ID is not set")
            }
            return keys
        case "EcsContainer":
            guard let container = container() else {
                throw failure(
                    "the profile '\(name)' takes its role with the container's credentials, and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and "
                        + "AWS_CONTAINER_CREDENTIALS_FULL_URI are not set")
            }
            return container
        case "Ec2InstanceMetadata":
            guard let instance = try instance() else {
                throw failure(
                    "the profile '\(name)' takes its role with the instance's credentials, and AWS_EC2_METADATA_DISABLED switches them off")
            }
            return .instance(instance)
        default:
            throw failure(
                "credential_source of the profile '\(name)' is '\(source)': write Environment, Ec2InstanceMetadata or EcsContainer")
        }
    }

    private func sourceProfile(_ source: String, of name: String, visited: [String]) throws(MillraceError) -> CredentialSource {
        guard let profile = shared.profiles[source] else {
            throw failure(
                "the profile '\(name)' has the source_profile '\(source)', which is neither in \(configuration.configPath) nor in "
                    + configuration.credentialsPath)
        }
        // A profile may be its own source where it holds keys beside its role.
        if visited.contains(source), source != name || !Self.hasKeys(profile) {
            throw failure("profiles take their roles in a circle: " + (visited + [source]).joined(separator: " → "))
        }
        if !Self.hasKeys(profile), Self.hasRole(profile) { return try role(of: source, visited: visited + [source]) }
        guard let found = try profileSource(source, usesEnvironment: false) else {
            throw failure("the profile '\(source)', which '\(name)' takes its role with, holds no credentials")
        }
        return found
    }
}
