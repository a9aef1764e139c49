import Glibc
import MillraceCore

/// What a kept report says about the machine, the versions of all that took part, and the source that it was built of.
struct MachineDescription {
    let options: RunOptions

    var origin: ReportOrigin {
        var origin = ReportOrigin()
        origin.time = Self.time()
        origin.commit = Self.commit()
        origin.machine = Self.machine()
        origin.versions = versions()
        origin.arguments = Array(CommandLine.arguments.dropFirst())
        return origin
    }

    private static func time() -> String {
        var now = Glibc.time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) \(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
    }

    /// The commit of the working directory, where that is a checkout, with `+` where it has changes.
    private static func commit() -> String {
        guard let commit = firstLine("/usr/bin/git", ["rev-parse", "--short=12", "HEAD"]), commit.count == 12 else { return "" }
        return commit + (firstLine("/usr/bin/git", ["status", "--porcelain", "--untracked-files=no"]) == nil ? "" : "+")
    }

    private static func machine() -> [String: String] {
        var machine: [String: String] = ["cores": "\(sysconf(Int32(_SC_NPROCESSORS_ONLN)))"]
        machine["processor"] = value("model name", in: Files.read("/proc/cpuinfo"), separator: ":")
        machine["memory"] = value("MemTotal", in: Files.read("/proc/meminfo"), separator: ":")
        machine["kernel"] = Files.read("/proc/sys/kernel/osrelease")?.split(separator: "\n").first.map { String($0) }
        machine["system"] = value("PRETTY_NAME", in: Files.read("/etc/os-release"), separator: "=")
        return machine
    }

    private func versions() -> [String: String] {
        var versions: [String: String] = [:]
        // nginx writes its version to standard error.
        versions["nginx"] = Self.firstLine("/bin/sh", ["-c", "exec /usr/sbin/nginx -v 2>&1"])?.split(separator: "/").last.map { String($0) }
        versions["node"] = Self.firstLine("/usr/bin/env", ["node", "--version"])
        let script = "from importlib.metadata import version; import platform; print(platform.python_version(), *(p + '=' + version(p) "
        let names = "for p in ('fastapi', 'uvicorn', 'uvloop', 'httptools', 'httpx')), sep=', ')"
        versions["python"] = Self.firstLine(options.python, ["-c", script + names])
        return versions
    }

    private static func firstLine(_ program: String, _ arguments: [String]) -> String? {
        guard Files.executable(program) != nil else { return nil }
        guard var child = try? ChildProcess(program, arguments, output: .pipe, errors: "/dev/null") else { return nil }
        return child.nextLine()
    }

    /// What stands behind a name at the start of a line, without quotes.
    static func value(_ name: String, in text: String?, separator: Character) -> String? {
        for line in text?.split(separator: "\n") ?? [] where line.hasPrefix(name) {
            guard let end = line.firstIndex(of: separator) else { continue }
            return String(line[line.index(after: end)...].drop(while: { $0 == " " || $0 == "\t" }).filter { $0 != "\"" })
        }
        return nil
    }
}
