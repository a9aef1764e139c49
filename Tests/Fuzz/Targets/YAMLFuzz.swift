import Glibc
import MillraceCore

@testable import MillraceServer

/// A directory for `config.yaml` and `.env`, one for each process, in memory where the machine has that.
private let directory: String = {
    let base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : (getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
    let path = "\(base)/millrace-fuzz-\(getpid())"
    mkdir(path, 0o700)
    atexit {
        for name in ["/config.yaml", "/.env", ""] { remove(directory + name) }
    }
    return path
}()

extension FuzzTarget {
    /// One YAML document: refused with a line that the text has, or read within the limits.
    static let yaml = FuzzTarget("yaml") { (bytes) throws(Disagreement) in
        let root: YAMLNode?
        do throws(YAMLReader.Failure) { root = try YAMLReader.read(bytes) } catch {
            try expect((1...lineCount(bytes) + 1).contains(error.line), "a failure in line \(error.line) of \(lineCount(bytes))")
            try expect(!error.message.isEmpty, "a failure without words")
            return
        }
        guard let node = root else { return }
        var count = 0
        try check(node, depth: 1, lines: lineCount(bytes), &count)
        try expect(!node.found.isEmpty, "a node without words")
        try expectEqual(node.overlaid(by: node), node, "a document laid over itself")
        guard let again = try? JSONValue(parsing: node.json.text) else { throw Disagreement("a document is no JSON: \(node.json.text)") }
        try expectEqual(again, node.json, "a document as JSON, written and read")
    }

    /// A data directory's `.env` and `config.yaml`, split at a line of five equals signs: never a trap, and every problem has its line.
    static let settings = FuzzTarget("settings") { (bytes) throws(Disagreement) in
        let mark = Array("\n=====\n".utf8)
        let place = bytes.indices.first { bytes[$0...].starts(with: mark) }
        let dotEnv = place.map { Array(bytes[..<$0]) }
        let yaml = Array(bytes[(place.map { $0 + mark.count } ?? 0)...])
        if let dotEnv { write(dotEnv, "/.env") } else { remove(directory + "/.env") }
        write(yaml, "/config.yaml")
        let report = SettingsLoader.inspect(SettingsSources(directory: directory))
        for problem in report.problems + report.warnings {
            try expect(!problem.message.isEmpty && !problem.description.isEmpty, "a problem without words")
            if case .file(let path, let line) = problem.origin {
                let lines = lineCount(path.hasSuffix(".env") ? dotEnv ?? [] : yaml)
                try expect((1...lines + 1).contains(line), "a problem in line \(line) of \(lines) of \(path): \(problem)")
            }
        }
        if let dotEnv {
            let file = DotEnvFile(parsing: String(decoding: dotEnv, as: UTF8.self))
            for line in file.entries.map(\.line) + file.faults.map(\.line) {
                try expect((1...lineCount(dotEnv) + 1).contains(line), "an entry in line \(line)")
            }
        }
    }

    private static func lineCount(_ bytes: [UInt8]) -> Int {
        // YAML 1.1 also ends lines with NEL, LS and PS; that many lines a text can have at most.
        String(decoding: bytes, as: UTF8.self).unicodeScalars.reduce(1) {
            $0 + ($1 == "\n" || $1 == "\r" || $1 == "\u{85}" || $1 == "\u{2028}" || $1 == "\u{2029}" ? 1 : 0)
        }
    }

    private static func check(_ node: YAMLNode, depth: Int, lines: Int, _ count: inout Int) throws(Disagreement) {
        count += 1
        try expect(count <= YAMLReader.nodeLimit, "more nodes than the limit")
        // An alias may stand as deep as the limit and bring what is as deep.
        try expect(depth <= 2 * YAMLReader.depthLimit, "deeper than the limit")
        try expect((1...lines + 1).contains(node.line), "a node in line \(node.line) of \(lines)")
        switch node.content {
        case .scalar: break
        case .sequence(let nodes): for node in nodes { try check(node, depth: depth + 1, lines: lines, &count) }
        case .mapping(let members):
            try expectEqual(Set(members.map(\.key)).count, members.count, "members of one name")
            for member in members { try check(member.value, depth: depth + 1, lines: lines, &count) }
        }
    }

    private static func write(_ bytes: [UInt8], _ name: String) {
        guard let file = fopen(directory + name, "w") else { fatalError("cannot write \(directory + name)") }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
}
