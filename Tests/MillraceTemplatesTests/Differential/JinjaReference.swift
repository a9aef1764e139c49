import Glibc
import MillraceCore
import MillraceCounterparts
import MillraceTemplates
import Testing

/// What Jinja2 itself makes of templates, in a Python of its own (`jinja_reference.py`).
struct JinjaReference {
    struct Case {
        let id: String
        let template: String
        let context: String
        let options: TemplateOptions
        /// What Jinja2 printed; `nil` where it failed.
        let output: String?
        /// How it failed.
        let error: String?
    }

    let contexts: [String: [String: JSONValue]]
    let shared: [String: String]
    let cases: [Case]

    /// Renders the corpus, and templates made by chance. Where Jinja2 is not installed this says so aloud, fails the test when everything
    /// must be there, and returns `nil`.
    static func rendered(seed: Int, count: Int) throws -> JinjaReference? {
        let python = packageRoot + "/.venv/bin/python"
        let directory = try TemporaryDirectory()
        let log = directory.path + "/log"
        guard run([python, "-c", "import jinja2, markupsafe"], log: log) == 0 else {
            let line = "LEFT OUT: Jinja2: run .ci/setup --test\n"
            _ = line.withCString { Glibc.write(2, $0, strlen($0)) }
            if getenv("CI").map({ String(cString: $0) }) == "true" {
                Issue.record("a counterpart is missing: Jinja2: run .ci/setup --test")
            }
            return nil
        }
        let folder = packageRoot + "/Tests/MillraceTemplatesTests/Differential"
        let results = directory.path + "/results.json"
        let status = run([python, "-B", folder + "/jinja_reference.py", folder + "/Corpus", results, "\(seed)", "\(count)"], log: log)
        let output = try String(decoding: BoundedFile.read(log, limit: 1 << 20), as: UTF8.self)
        try #require(status == 0, "\(output)")
        return try JinjaReference(JSONValue(parsing: BoundedFile.read(results, limit: 1 << 28)))
    }

    private init(_ json: JSONValue) throws {
        contexts = try #require(json["contexts"]?.object).mapValues { $0.object ?? [:] }
        shared = try #require(json["shared"]?.object).mapValues { $0.string ?? "" }
        cases = try #require(json["cases"]?.array).map { json in
            var options = TemplateOptions()
            options.undefined = json["strict"] == true ? .strict : .lenient
            options.autoescape = json["escape"] == true ? .always : .never
            options.trimBlocks = json["trim"] == true
            options.lstripBlocks = json["lstrip"] == true
            options.keepTrailingNewline = json["keep"] == true
            return Case(
                id: try #require(json["id"]?.string), template: try #require(json["template"]?.string),
                context: try #require(json["context"]?.string), options: options, output: json["output"]?.string,
                error: json["error"]?.string)
        }
    }

    static let packageRoot = #filePath.split(separator: "/").dropLast(4).reduce(into: "") { $0 += "/" + $1 }

    /// Runs a program to its end; what it writes goes to the file `log`. Returns its exit status, or -1 when it was not started or killed.
    private static func run(_ arguments: [String], log: String) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process = pid_t()
        guard posix_spawnp(&process, arguments[0], &actions, nil, &pointers, environ) == 0 else { return -1 }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
    }
}
