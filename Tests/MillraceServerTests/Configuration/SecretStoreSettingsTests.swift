import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct SecretStoreSettingsTests {
    private static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

    @Test func group_isReadFromTheFileAndTheEnvironment() {
        let report = inspect(
            yaml: """
                secrets:
                  type: secretsmanager
                  namePrefix: millrace/prod/
                  cacheSeconds: 60
                  staleSeconds: 0
                """, dotEnv: "MILLRACE_SECRETS_PATH=/x/s.enc\nMILLRACE_SECRETS_KEY_FILE=/x/s.key\n")
        var expected = SecretStoreSettings()
        expected.type = .secretsManager
        expected.namePrefix = "millrace/prod/"
        expected.cacheSeconds = 60
        expected.staleSeconds = 0
        expected.path = "/x/s.enc"
        expected.keyFile = "/x/s.key"
        #expect(report.problems.isEmpty)
        #expect(report.warnings.isEmpty)
        #expect(report.settings.secrets == expected)
    }

    @Test func key_isTakenFromVariablesOnly_andNeverShown() {
        let report = inspect(environment: ["MILLRACE_SECRETS_KEY": Self.key])
        #expect(report.problems.isEmpty)
        #expect(report.settings.secrets.key?.value == Self.key)
        #expect(inspect(dotEnv: "MILLRACE_SECRETS_KEY=\(Self.key)").settings.secrets.key?.value == Self.key)
        var dumped = report.settings.description
        dump(report.settings, to: &dumped)
        #expect(!dumped.contains("AAECAw"))
        #expect(inspect(yaml: "secrets:\n  key: \(Self.key)").settings.secrets.key == nil)
    }

    @Test(arguments: [
        (["MILLRACE_SECRETS_KEY": "correct horse"], "no passphrase"), (["MILLRACE_SECRETS_TYPE": "vault"], "file or secretsmanager"),
        (["MILLRACE_SECRETS_NAME_PREFIX": "a b"], "ASCII letters"), (["MILLRACE_SECRETS_CACHE_SECONDS": "-1"], "seconds from 0"),
    ])
    func value_thatIsNone_isAProblem(_ environment: [String: String], _ word: String) {
        let problems = inspect(environment: environment).problems
        #expect(problems.count == 1)
        #expect(problems.first?.message.contains(word) == true)
        #expect(problems.first?.message.contains("horse") == false)
    }

    @Test func assembly_ofEachType_makesItsStore() async throws {
        let directory = TemporaryDirectory()
        var settings = ServerSettings()
        settings.dataDirectory = directory.path
        let file = try SecretStoreAssembly.make(settings, secretsManager: SecretStoreAssembly.secretsManager)
        guard case .file = file else {
            Issue.record("the default is no file")
            return
        }
        #expect(try await file.store.list().isEmpty)
        settings.dataDirectory = ":memory:"
        #expect { try SecretStoreAssembly.make(settings, secretsManager: SecretStoreAssembly.secretsManager) } throws: {
            error in
            (error as? MillraceError)?.code == .configuration
        }
        settings.secrets.type = .secretsManager
        settings.aws.variables = AWSVariables(["HOME": directory.path])
        #expect { try SecretStoreAssembly.make(settings, secretsManager: SecretStoreAssembly.secretsManager) } throws: {
            error in
            (error as? MillraceError)?.message.contains("set AWS_REGION") == true
        }
    }
}
