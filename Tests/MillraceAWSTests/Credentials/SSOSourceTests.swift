import Glibc
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceAWS

/// IAM Identity Center's portal and OIDC service are fakes that botocore has driven first.
@Suite(.ownThreads) struct SSOSourceTests {
    private static let startURL = "https://corp.awsapps.com/start"
    private static let registered: [String: JSONValue] = [
        "refreshToken": "refresh-1", "clientId": "client", "clientSecret": "client-secret", "registrationExpiresAt": "2100-01-01T00:00:00Z",
        "region": "eu-central-1", "startUrl": .string(startURL),
    ]

    private func home(session: Bool = true, role: String = "Developer", token: [String: JSONValue]?) throws -> CredentialHome {
        let place = "sso_region = eu-central-1\nsso_start_url = \(Self.startURL)\n"
        let home = try CredentialHome(
            config: "[profile dev]\nsso_account_id = 123456789012\nsso_role_name = \(role)\n"
                + (session ? "sso_session = corp\n[sso-session corp]\n\(place)" : place))
        if let token { try home.write(JSONValue.object(token).text, to: ".aws/sso/cache/" + Self.file(session)) }
        return home
    }

    private static func file(_ session: Bool) -> String {
        // By sha1sum, of `corp`.
        session ? "ee0bfd2552fbd840c02cc48b6e823320543c450f.json" : SHA1.hexadecimal(startURL) + ".json"
    }

    private func credentials(_ home: CredentialHome, _ url: String, clock: CredentialClock = CredentialClock()) async throws
        -> AWSCredentials
    {
        let environment = ["AWS_ENDPOINT_URL_SSO": url + "/ok", "AWS_ENDPOINT_URL_SSO_OIDC": url + "/ok"]
        return try await home.chain(environment, profile: "dev", clock: clock.policy).credentials()
    }

    private func time(_ hours: Int64) -> JSONValue { .string(Timestamp.now().adding(seconds: hours * 3600).description.prefix(19) + "Z") }

    @Test func sha1_isThatOfTheStandard() {
        #expect(SHA1.hexadecimal("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
    }

    @Test(arguments: [true, false]) func aTokenOfTheCache_getsTheRolesCredentials(session: Bool) async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let home = try home(session: session, token: ["accessToken": "valid-1", "expiresAt": time(8)])
        let found = try await credentials(home, url)
        #expect(found.accessKeyID.hasPrefix("ASIASSO") && found.sessionToken == "for valid-1")
        #expect(found.origin == "IAM Identity Center (account 123456789012, role Developer, profile 'dev')")
        let left = try #require(found.expiration).microseconds - Timestamp.now().microseconds
        #expect((5 * 3600...7 * 3600).contains(left / 1_000_000))
    }

    @Test(arguments: [Int64(-1), 0]) func aTokenNearItsEnd_isRenewed_andTheCacheHoldsTheNewOne(hours: Int64) async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let home = try home(token: Self.registered.merging(["accessToken": "valid-1", "expiresAt": time(hours)]) { $1 })
        #expect(try await credentials(home, url).sessionToken?.hasPrefix("for valid-renewed-") == true)
        let path = home.path + "/.aws/sso/cache/" + Self.file(true)
        let kept = try JSONValue(parsing: try BoundedFile.read(path, limit: 10_000))
        #expect(kept["accessToken"]?.string?.hasPrefix("valid-renewed-") == true && kept["refreshToken"] == "refresh-2")
        #expect(kept["clientSecret"] == "client-secret" && kept["startUrl"] == .string(Self.startURL))
        let expiry = try #require(kept["expiresAt"]?.string.flatMap(AWSTimeText.parse))
        #expect(abs(expiry.microseconds - Timestamp.now().microseconds - 28_800_000_000) < 60_000_000)
        var information = stat()
        #expect(stat(path, &information) == 0 && information.st_mode & 0o777 == 0o600)
        // The next process uses what is there, and asks nobody.
        #expect(try await credentials(home, url).sessionToken == "for " + (kept["accessToken"]?.string ?? ""))
    }

    @Test func aRenewalThatFails_costsNothing_asLongAsTheTokenLives() async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let soon = JSONValue.string(Timestamp.now().adding(seconds: 600).description.prefix(19) + "Z")
        let home = try home(
            token: Self.registered.merging(["accessToken": "valid-1", "expiresAt": soon, "refreshToken": "wrong"]) { $1 })
        #expect(try await credentials(home, url).sessionToken == "for valid-1")
    }

    @Test func sessionsThatAreOver_areErrorsWithAdvice() async throws {
        guard let url = try CredentialCounterparts.metadata() else { return }
        let expired: [String: JSONValue] = ["accessToken": "valid-hunter2", "expiresAt": time(-1)]
        let cases: [(CredentialHome, String)] = [
            (try home(token: nil), "nobody has signed in"), (try home(token: ["a": "b"]), "holds no token"),
            (try home(token: expired), "has expired and cannot be renewed"),
            (try home(session: false, token: expired), "the session has expired"),
            (
                try home(token: Self.registered.merging(expired) { $1 }.merging(["registrationExpiresAt": time(-1)]) { $1 }),
                "cannot be renewed"
            ),
            (try home(token: Self.registered.merging(expired) { $1 }.merging(["refreshToken": "hunter2"]) { $1 }), "InvalidGrantException"),
            (try home(token: ["accessToken": "hunter2", "expiresAt": time(1)]), "the session was refused (UnauthorizedException)"),
        ]
        for (home, message) in cases {
            let error = await credentialError { try await credentials(home, url) }
            #expect(error?.message.contains(message) == true, "\(error?.message ?? "none")")
            #expect(error?.message.hasSuffix("run `aws sso login --profile dev`") == true)
            #expect(error.map { "\($0)" }?.contains("hunter2") == false)
        }
        let forbidden = await credentialError {
            try await credentials(try home(role: "Admin", token: ["accessToken": "valid-1", "expiresAt": time(1)]), url)
        }
        #expect(forbidden?.message.contains("403 ForbiddenException: No access") == true, "\(forbidden?.message ?? "")")
    }

    @Test func aToken_printsWithoutItsSecrets() throws {
        let token = try #require(
            SSOToken(Array(JSONValue.object(["accessToken": "hunter2", "expiresAt": "2100-01-01T00:00:00UTC"]).text.utf8)))
        var dumped = ""
        dump(token, to: &dumped)
        #expect(!"\(token)".contains("hunter2") && !dumped.contains("hunter2"))
    }

    @Test(
        arguments: [
            ("2026-11-21T03:44:17Z", "2026-11-21T03:44:17.000000Z"), ("2026-11-21T03:44:17.25Z", "2026-11-21T03:44:17.250000Z"),
            ("2026-11-21 03:44:17+00:00", "2026-11-21T03:44:17.000000Z"), ("2026-11-21T03:44:17-0130", "2026-11-21T05:14:17.000000Z"),
            ("2026-11-21T03:44:17UTC", "2026-11-21T03:44:17.000000Z"), ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59.000000Z"),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000000Z"), ("2026-11-21", nil), ("2026-13-21T03:44:17Z", nil), ("soon", nil),
            ("", nil),
            ("2026-11-21T03:44:17.Z", nil), ("2026-11-21T03:44:17Zx", nil), ("2026-11-21T03:44:17+1", nil), ("2026-11-21T24:44:17Z", nil),
        ] as [(String, String?)])
    func times_areRead(text: String, time: String?) {
        #expect(AWSTimeText.parse(text)?.description == time)
    }
}
