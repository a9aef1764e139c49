import Glibc

/// A program of others that tests are driven with, which may be missing on the machine.
package enum Counterpart {
    /// The package's directory.
    package static let packageRoot: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    /// The Python that has the modules which `.ci/setup --test` installs.
    package static let python = packageRoot + "/.venv/bin/python"

    /// The path of a script in `Tests/MillraceCounterparts/Servers`.
    package static func script(_ name: String) -> String { packageRoot + "/Tests/MillraceCounterparts/Servers/" + name }

    /// The path of a program: in the Python environment, else where Debian puts it; `nil`: it is not installed.
    package static func program(_ name: String) -> String? {
        [packageRoot + "/.venv/bin/", "/usr/bin/", "/usr/sbin/", "/bin/"].map { $0 + name }.first { access($0, X_OK) == 0 }
    }

    /// Whether everything must be there.
    package static let isStrict = getenv("CI").map { String(cString: $0) } == "true"

    /// Says aloud, on standard error, that a counterpart is missing.
    /// - Throws: ``CounterpartMissing`` where everything must be there (`CI=true`).
    package static func leftOut(_ what: String, _ advice: String = "run .ci/setup --test") throws {
        _ = "LEFT OUT: \(what): \(advice)\n".withCString { write(2, $0, strlen($0)) }
        if isStrict { throw CounterpartMissing("\(what) is missing: \(advice)") }
    }

    /// A TCP port of the loopback address that was free a moment ago. It is below those that connections get, of which tests make many.
    package static func freePort() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 10_000..<32_000)
            if isFree(port) { return port }
        }
        throw CounterpartMissing("no port from 10000 to 31999 is free")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = Loopback.socket()
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Loopback.bind(descriptor, port: port)
    }
}

/// A counterpart that is needed and not there, or does not start.
package struct CounterpartMissing: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
