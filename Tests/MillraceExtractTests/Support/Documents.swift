import FoundationEssentials
import Glibc
import MillraceCore
import MillraceCounterparts

/// Documents of other people's tests, and those that `Reference/reference.py` makes.
enum Documents {
    static let script = Counterpart.packageRoot + "/Tests/MillraceExtractTests/Reference/reference.py"

    /// The samples of that ending, in order; `nil`: they are not there, which was said.
    static func samples(_ ending: String) throws -> [String]? {
        let folder = Counterpart.packageRoot + "/.venv/documents"
        guard access(folder + "/documents.txt", R_OK) == 0 else {
            try Counterpart.leftOut("documents of other people's tests", "run .ci/setup --test")
            return nil
        }
        return try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix("." + ending) }.map { "\(folder)/\($0)" }
            .sorted()
    }

    private static let directory = Result { try TemporaryDirectory() }
    private static let making = Result {
        let path = try directory.get().path
        _ = try python(["make", path])
        return path
    }

    /// The folder of the documents that are made, once for all tests; `nil`: there is no Python to make them with, which was said.
    static func made() throws -> String? {
        guard access(Counterpart.python, X_OK) == 0 else {
            try Counterpart.leftOut("documents that Python writes", "run .ci/setup --test")
            return nil
        }
        return try making.get()
    }

    /// The words that other people's readers find in documents, or why they find none.
    static func words(_ files: [String]) throws -> [(file: String, words: Result<[String], MillraceError>)] {
        try python(["words"] + files).split(separator: UInt8(ascii: "\n")).map { line in
            let value = try JSONValue(parsing: Array(line))
            let words = value["words"]?.array?.compactMap(\.string)
            return (
                value["file"]?.string ?? "",
                words.map { .success($0) } ?? .failure(MillraceError(.invalidInput, value["error"]?.string ?? ""))
            )
        }
    }

    private static func python(_ arguments: [String]) throws -> [UInt8] {
        let directory = try TemporaryDirectory()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, directory.path + "/output", O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, directory.path + "/errors", O_WRONLY | O_CREAT, 0o600)
        let words = [Counterpart.python, "-W", "ignore", script] + arguments
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process = pid_t()
        var status: Int32 = -1
        guard posix_spawn(&process, words[0], &actions, nil, &pointers, environ) == 0 else { throw CounterpartMissing(words[0]) }
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else {
            let errors = (try? Data(contentsOf: URL(filePath: directory.path + "/errors"))) ?? Data()
            throw CounterpartMissing("reference.py: \(String(decoding: errors.suffix(1000), as: UTF8.self))")
        }
        return Array(try Data(contentsOf: URL(filePath: directory.path + "/output")))
    }
}
