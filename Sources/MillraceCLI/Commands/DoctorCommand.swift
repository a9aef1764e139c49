import CSQLite
import Glibc
import MillraceCore
import MillraceHTTPClient
import MillraceServer

/// `millrace doctor`: what is installed, configured and reachable, a line each, with what to do.
struct DoctorCommand {
    enum Verdict: String {
        case ok = "ok  "
        case warn = "warn"
        case fail = "FAIL"
    }
    struct Finding: Equatable {
        var verdict: Verdict
        var text: String
    }

    let command: ParsedCommand
    let environment: [String: String]
    let terminal: Terminal

    init(_ command: ParsedCommand, _ environment: [String: String], _ terminal: Terminal) {
        self.command = command
        self.environment = environment
        self.terminal = terminal
    }

    func run() -> Int32 {
        let report = SettingsLoader.inspect(MillraceCommand.sources(command, environment))
        var findings = libraries() + Self.configuration(report) + Self.dataDirectory(report.settings.dataDirectory)
        findings += Self.models(RetentionProbe(report.settings).run())
        findings += Self.models(BackendProbe(report.settings).run()) + Self.models(ModelProbe(report.settings).run())
        findings += server(report.settings)
        for finding in findings { terminal.write(.output, "\(finding.verdict.rawValue)  \(finding.text)\n") }
        return findings.contains { $0.verdict == .fail } ? ExitCode.failure : ExitCode.success
    }

    private func libraries() -> [Finding] {
        let hasSearch = sqlite3_compileoption_used("ENABLE_FTS5") == 1
        var findings = [
            Finding(verdict: .ok, text: "millrace \(MillraceVersion.current)"),
            Finding(verdict: .ok, text: "libcurl \(CurlLibrary.version)"),
            Finding(
                verdict: hasSearch ? .ok : .fail,
                text: "SQLite \(String(cString: sqlite3_libversion()))"
                    + (hasSearch ? " with FTS5" : " without FTS5: install Debian's libsqlite3-0")),
            Finding(verdict: .ok, text: "libyaml \(YAMLReader.libraryVersion)"),
        ]
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        let hasPDF = folders.contains { access($0 + "/pdftotext", X_OK) == 0 }
        findings.append(
            hasPDF
                ? Finding(verdict: .ok, text: "pdftotext is installed")
                : Finding(verdict: .warn, text: "pdftotext is not installed, PDF cannot be read: apt-get install poppler-utils"))
        return findings
    }

    static func configuration(_ report: SettingsReport) -> [Finding] {
        var findings = report.problems.map { Finding(verdict: .fail, text: "configuration: \($0)") }
        findings += report.warnings.map { Finding(verdict: .warn, text: "configuration: \($0)") }
        if report.problems.isEmpty {
            let files = report.files.isEmpty ? "no files" : report.files.joined(separator: ", ")
            findings.append(Finding(verdict: .ok, text: "configuration: \(files)"))
        }
        for setting in SettingTable.all {
            guard let origin = report.origins[setting.name] else { continue }
            findings.append(Finding(verdict: .ok, text: "  \(setting.name) = \(setting.display(report.settings)) (\(origin))"))
        }
        return findings
    }

    /// What the probes have found. A model that cannot be used is a failure where it is the default; the others are optional, and so is what
    /// lies behind the seams.
    static func models(_ findings: [ModelProbe.Finding]) -> [Finding] {
        findings.map { finding in
            let verdict: Verdict =
                switch finding.verdict {
                case .ok: .ok
                case .doubtful: .warn
                case .unusable: finding.isDefault ? .fail : .warn
                }
            return Finding(verdict: verdict, text: finding.text)
        }
    }

    /// Whether the data directory can be written, and whether a server holds its lock.
    static func dataDirectory(_ path: String) -> [Finding] {
        if path == ":memory:" { return [Finding(verdict: .warn, text: "data directory: :memory:, nothing is kept")] }
        var status = stat()
        guard stat(path, &status) == 0 else {
            let parts = path.split(separator: "/").dropLast()
            let parent = (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
            let isWritable = access(parent.isEmpty ? "." : parent, W_OK) == 0
            return [
                isWritable
                    ? Finding(verdict: .ok, text: "data directory \(path): will be made at the first start")
                    : Finding(verdict: .fail, text: "data directory \(path): cannot be made: make it, or choose another with --data-dir")
            ]
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return [Finding(verdict: .fail, text: "data directory \(path): is a file: choose another with --data-dir")]
        }
        guard access(path, W_OK | X_OK) == 0 else {
            return [Finding(verdict: .fail, text: "data directory \(path): cannot be written: change its owner or mode")]
        }
        let lock = open(path + "/millrace.lock", O_RDWR | O_CLOEXEC)
        guard lock >= 0 else { return [Finding(verdict: .ok, text: "data directory \(path): writable, no server uses it")] }
        defer { close(lock) }
        if flock(lock, LOCK_EX | LOCK_NB) == 0 {
            return [Finding(verdict: .ok, text: "data directory \(path): writable, no server uses it")]
        }
        return [Finding(verdict: .ok, text: "data directory \(path): writable, in use by a running server")]
    }

    private func server(_ settings: ServerSettings) -> [Finding] {
        let host = settings.host == "0.0.0.0" ? "127.0.0.1" : settings.host == "::" ? "::1" : settings.host
        let own = "http://\(host.contains(":") ? "[\(host)]" : host):\(settings.port)"
        let named = command.value("server") ?? environment["MILLRACE_SERVER"].flatMap { $0.isEmpty ? nil : $0 }
        if named == nil, settings.port == 0 { return [Finding(verdict: .ok, text: "port: any free one")] }
        let address = named ?? own
        let client = BlockingHTTPClient()
        do {
            let (head, body) = try client.fetch(
                CurlRequest(url: address + "/readyz", connectTimeoutMilliseconds: 2000, totalTimeoutMilliseconds: 5000), limit: 1 << 20)
            return Self.readiness(address, head, body)
        } catch {
            let error = error as? MillraceError
            if named == nil, error?.code == .unreachable, error?.message.hasPrefix("nothing listens") == true {
                return [Finding(verdict: .ok, text: "port \(settings.port) on \(host): free, no server runs there")]
            }
            return [Finding(verdict: .fail, text: "server \(address): \(error?.message ?? "\(error as Any)")")]
        }
    }

    /// What `/readyz` says, a finding for each of its checks.
    static func readiness(_ address: String, _ head: CurlResponseHead, _ body: [UInt8]) -> [Finding] {
        let json = (try? JSONValue(parsing: body)) ?? .null
        let checks = (json["checks"]?.array ?? []).prefix(50).map { check in
            let status = check["status"]?.string ?? "unknown"
            let message = check["message"]?.string.map { ": \($0)" } ?? ""
            let name = check["name"]?.string ?? "?"
            let isOptional = name != "store"
            return Finding(verdict: status == "ok" ? .ok : isOptional ? .warn : .fail, text: "  \(name): \(status)\(message)")
        }
        switch (head.status, json["status"]?.string) {
        case (200, "ready"?): return [Finding(verdict: .ok, text: "server \(address): ready")] + checks
        case (503, let status?):
            return [Finding(verdict: .fail, text: "server \(address): \(status), it takes no requests now: see its log")] + checks
        default:
            return [
                Finding(
                    verdict: .fail,
                    text: "server \(address): something else answers there (status \(head.status)): choose another port with --port")
            ]
        }
    }
}
