import Glibc
import MillraceCore
import MillraceHTTPClient
import Testing

@testable import MillraceCLI

@Suite struct DoctorCommandTests {
    private typealias Verdict = DoctorCommand.Verdict

    @Test(arguments: [
        (200, #"{"status":"ready","checks":[{"name":"store","status":"ok"}]}"#, "ok  ok  "),
        (503, #"{"status":"unavailable","checks":[{"name":"store","status":"unavailable","message":"disk"}]}"#, "FAILFAIL"),
        (
            200,
            #"{"status":"ready","checks":[{"name":"store","status":"ok"},{"name":"model:m","status":"failing"},"#
                + #"{"name":"embedder:e","status":"unavailable"}]}"#,
            "ok  ok  warnwarn"
        ),
        (503, #"{"status":"draining","checks":[{"name":"store","status":"ok"}]}"#, "FAILok  "), (200, "<html>", "FAIL"),
        (404, "{}", "FAIL"), (503, "", "FAIL"),
    ])
    func readiness_isToldCheckByCheck(status: Int, body: String, verdicts: String) {
        let findings = DoctorCommand.readiness("http://x", CurlResponseHead(status: status), Array(body.utf8))
        #expect(findings.map(\.verdict.rawValue).joined() == verdicts)
    }

    @Test func dataDirectory_isLookedAtWithItsLock() throws {
        var template = Array("/tmp/millrace-doctor-XXXXXX".utf8CString)
        let path = try #require(
            template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } })
        let lockPath = path + "/millrace.lock"
        defer {
            unlink(lockPath)
            rmdir(path)
        }
        func text(_ path: String) -> String { DoctorCommand.dataDirectory(path).map { $0.verdict.rawValue + $0.text }.joined() }
        #expect(text(path) == "ok  data directory \(path): writable, no server uses it")
        let lock = open(lockPath, O_CREAT | O_RDWR, 0o600)
        defer { close(lock) }
        #expect(text(path).hasSuffix("no server uses it"))
        #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
        #expect(text(path).hasSuffix("in use by a running server"))
        #expect(text(lockPath).hasPrefix("FAIL"))
        #expect(text(path + "/absent").hasPrefix("ok  "))
        #expect(text(path + "/absent/deeper").hasPrefix("FAIL"))
        #expect(text(":memory:").hasPrefix("warn"))
    }
}
