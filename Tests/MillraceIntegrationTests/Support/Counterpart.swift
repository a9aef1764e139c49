import Glibc
import Testing

/// A program of others that tests are driven with, which may be missing on the machine.
enum Counterpart {
    /// Says aloud that one is missing; where everything must be there (`CI=true`), that fails the test.
    static func leftOut(_ what: String, _ advice: String = "run .ci/setup --test") {
        // Standard error, which the test runner does not swallow.
        _ = "LEFT OUT: \(what): \(advice)\n".withCString { write(2, $0, strlen($0)) }
        if getenv("CI").map({ String(cString: $0) }) == "true" { Issue.record("\(what) is missing: \(advice)") }
    }

    /// The Python that has the clients which `.ci/setup --test` installs.
    static let python = TestFiles.packageRoot + "/.venv/bin/python"

    /// Whether that Python has the modules; says aloud when it does not.
    static func hasPython(modules: String) -> Bool {
        if Command.exists([python, "-c", "import \(modules)"]) { return true }
        leftOut("Python with \(modules)")
        return false
    }

    /// The path of a program in `Providers`.
    static func provider(_ name: String) -> String {
        TestFiles.packageRoot + "/Tests/MillraceIntegrationTests/Providers/\(name)"
    }

    /// The words before a command for which name resolution hangs: see `Providers/hanging_dns.py`.
    static let hangingDNS = ["/usr/bin/env", "python3", provider("hanging_dns.py"), "--"]

    /// Whether the machine permits ``hangingDNS``, which has proved itself then; says aloud when it does not.
    static func canHangDNS() throws -> Bool {
        let (status, output) = try hangingDNSProof.get()
        if status == 0 { return true }
        guard output.contains("NOT PERMITTED") || status == 127 else { throw ClientFailure("hanging_dns.py: \(status), \(output)") }
        leftOut("hanging name resolution", output)
        return false
    }

    /// Made once: it takes the seconds that a lookup must hang.
    private static let hangingDNSProof = Result {
        let command = try Command(hangingDNS + ["true"])
        return (status: command.status, output: command.output)
    }
}
