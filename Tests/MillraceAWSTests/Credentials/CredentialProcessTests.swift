import Glibc
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceAWS

@Suite(.ownThreads) struct CredentialProcessTests {
    private static let answer =
        #"{"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":"hunter2","SessionToken":"t","#
        + #""Expiration":"2100-01-01T00:00:00+01:00"}"#

    private func home(_ script: String, arguments: String = "") throws -> CredentialHome {
        let home = try CredentialHome()
        try home.write("#!/bin/sh\n\(script)\n", to: "tool's home/tool.sh", mode: 0o700)
        try home.write("[default]\ncredential_process = \"\(home.path)/tool's home/tool.sh\" \(arguments)\n", to: ".aws/config")
        return home
    }

    @Test func whatAProgramPrints_isTaken() async throws {
        let home = try home("printf '%s' '\(Self.answer)'; echo warning >&2")
        let credentials = try await home.chain().credentials()
        #expect(credentials.accessKeyID == "AKIAPROCESS" && credentials.secretAccessKey == "hunter2" && credentials.sessionToken == "t")
        #expect(credentials.expiration?.description == "2099-12-31T23:00:00.000000Z")
        #expect(credentials.origin == "the credential_process of the profile 'default'")
    }

    @Test func arguments_areQuotedAsInAShell_andNoShellReadsThem() async throws {
        let home = try home(
            #"""
            [ $# -eq 4 ] && [ "$1" = 'two words' ] && [ "$2" = '$HOME;`id`' ] && [ "$3" = '*' ] && [ "$4" = 'a"b' ] || exit 9
            [ -z "$SECRET_OF_THE_TESTS" ] && [ "$GIVEN" = yes ] && [ ! -t 0 ] || exit 8
            printf '%s' "$ANSWER"
            """#, arguments: #""two words" '$HOME;`id`' * a\"b"#)
        let credentials = try await home.chain(["ANSWER": Self.answer, "GIVEN": "yes"]).credentials()
        #expect(credentials.accessKeyID == "AKIAPROCESS")
    }

    @Test func aProgramOfThePath_isFound() async throws {
        let home = try CredentialHome()
        try home.write("#!/bin/sh\nprintf '%s' '\(Self.answer)'\n", to: "bin/give-keys", mode: 0o700)
        try home.write("[default]\ncredential_process = give-keys\n", to: ".aws/config")
        #expect(try await home.chain(["PATH": "/nowhere:\(home.path)/bin"]).credentials().accessKeyID == "AKIAPROCESS")
        let error = await credentialError { try await home.chain(["PATH": "/nowhere"]).credentials() }
        #expect(error?.message == "the credential_process 'give-keys' is not in PATH: write its whole path")
    }

    @Test(arguments: [
        ("echo 'no such vault' >&2; echo hunter2; exit 3", "ended with status 3: no such vault"),
        ("exit 3", "ended with status 3 and said nothing on standard error"), ("kill -9 $$", "was ended by signal 9"),
        ("echo hunter2", "gave something that is no JSON object"), ("printf ''", "gave something that is no JSON object"),
        ("echo '[\"hunter2\"]'", "gave something that is no JSON object"),
        (#"echo '{"AccessKeyId":"a","SecretAccessKey":"hunter2"}'"#, "whose Version is not 1"),
        (#"echo '{"Version":2,"AccessKeyId":"a","SecretAccessKey":"hunter2"}'"#, "whose Version is not 1"),
        (#"echo '{"Version":1,"AccessKeyId":"hunter2"}'"#, "credentials without SecretAccessKey"),
        (#"echo '{"Version":1,"AccessKeyId":"a","SecretAccessKey":"hunter2","Expiration":"soon"}'"#, "whose Expiration is no time"),
        (#"echo '{"Version":1,"AccessKeyId":"a","SecretAccessKey":"hunter2","Expiration":"2001-01-01T00:00:00Z"}'"#, "have expired"),
        ("head -c 10000000 /dev/zero", "printed more than 256 KiB"), ("yes hunter2", "printed more than 256 KiB"),
        ("head -c 10000000 /dev/zero >&2; exit 1", "ended with status 1"),
    ])
    func aProgramThatFails_isSaidToHave_withoutItsOutput(script: String, message: String) async throws {
        let home = try home(script)
        let error = await credentialError { try await home.chain().credentials() }
        #expect(error?.code == .awsCredentials)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "none")")
        #expect(error.map { "\($0)" }?.contains("hunter2") == false && (error?.message.utf8.count ?? 0) < 1500)
    }

    @Test func aProgramThatCannotBeStarted_isNamed() async throws {
        let home = try CredentialHome(config: "[default]\ncredential_process = /nowhere/tool\n")
        let error = await credentialError { try await home.chain().credentials() }
        #expect(error?.message == "the credential_process '/nowhere/tool' cannot be started: No such file or directory")
    }

    @Test(.timeLimit(.minutes(1))) func aProgramThatHangs_isKilledWithWhatItStarted() async throws {
        let home = try home("sleep 600 & echo $! > \"$(dirname \"$0\")/child\"; echo hunter2; wait")
        let error = await credentialError { try await home.chain(processTimeout: .milliseconds(300)).credentials() }
        #expect(error?.message.contains("did not end within") == true && error?.isRetryable == true, "\(error?.message ?? "")")
        #expect(try await isGone(home.path + "/tool's home/child"))
    }

    @Test(.timeLimit(.minutes(1))) func aProgramThatClosesItsOutputAndStays_isKilled() async throws {
        let home = try home("exec >/dev/null 2>&1; sleep 600")
        let error = await credentialError { try await home.chain(processTimeout: .milliseconds(300)).credentials() }
        #expect(error?.message.contains("did not end within") == true)
    }

    @Test(.timeLimit(.minutes(1))) func aCancel_killsTheProgram() async throws {
        let home = try home(
            "mkfifo \"$(dirname \"$0\")/ready\"; sleep 600 & echo $! > \"$(dirname \"$0\")/child\"; echo > \"$(dirname "
                + "\"$0\")/ready\"; wait"
        )
        let chain = home.chain(processTimeout: .seconds(600))
        let task = Task { try await chain.credentials() }
        // The program says that it runs.
        let pipe = home.path + "/tool's home/ready"
        _ = try await BlockingExecutor(name: "watcher", threads: 1).run {
            for _ in 0..<10_000 where !BoundedFile.exists(pipe) { usleep(1000) }
            return try BoundedFile.read(pipe, limit: 10)
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await isGone(home.path + "/tool's home/child"))
    }

    /// Whether the process whose number is in a file has ended, or ends while one waits.
    private func isGone(_ path: String) async throws -> Bool {
        let text = String(decoding: try BoundedFile.read(path, limit: 100), as: UTF8.self).filter(\.isNumber)
        for _ in 0..<100_000 {
            guard let status = try? BoundedFile.read("/proc/\(text)/stat", limit: 4096) else { return true }
            // Killed, and left by nobody to be reaped.
            if String(decoding: status, as: UTF8.self).contains(") Z ") { return true }
            await Task.yield()
        }
        return false
    }
}
