import FoundationEssentials
import Glibc
import MillraceCore
import MillraceCounterparts

/// What a run of `millrace-extract` wrote and how it ended.
struct ExtractorRun {
    let frames: [JSONValue]
    /// As `waitpid` gives it.
    let status: Int32

    /// The program, built as the tests are.
    static let program: String = {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
        let beside = String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
        let folders = [getenv("MILLRACE_PROGRAMS").map { String(cString: $0) }, beside, Counterpart.packageRoot + "/.build/debug"]
        let paths = folders.compactMap { $0 }.flatMap { ["\($0)/millrace-extract", "\($0)/MillraceExtract"] }
        return paths.first { access($0, X_OK) == 0 } ?? "millrace-extract"
    }()

    /// Runs the program on a document and waits for it.
    /// - Parameter launcher: the words of a command that becomes the program.
    init(_ document: [UInt8], _ arguments: [String] = [], launcher: [String] = []) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/document"
        try Data(document).write(to: URL(filePath: path))
        try self.init(file: path, arguments, launcher: launcher)
    }

    /// - Parameter edges: whether only the first and the last two lines are looked at.
    init(file: String, _ arguments: [String] = [], launcher: [String] = [], edges: Bool = false) throws {
        let directory = try TemporaryDirectory()
        let output = directory.path + "/output"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, file, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, directory.path + "/errors", O_WRONLY | O_CREAT, 0o600)
        let words = launcher + [Self.program] + arguments
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process = pid_t()
        let error = posix_spawn(&process, words[0], &actions, nil, &pointers, environ)
        guard error == 0 else { throw MillraceError(.system, "\(words[0]): \(String(cString: strerror(error)))") }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        self.status = status
        let lines = edges ? Self.edges(output) : try Data(contentsOf: URL(filePath: output)).split(separator: 0x0A)
        frames = try lines.map { try JSONValue(parsing: Array($0)) }
    }

    /// The first line of a file and the last two.
    private static func edges(_ path: String) -> [Data] {
        let file = open(path, O_RDONLY)
        defer { close(file) }
        let length = Int(lseek(file, 0, SEEK_END))
        func part(_ offset: Int) -> [Data] {
            var bytes = [UInt8](repeating: 0, count: 256 << 10)
            let count = pread(file, &bytes, bytes.count, offset)
            return Data(bytes[..<max(count, 0)]).split(separator: 0x0A)
        }
        return part(0).prefix(1) + part(max(length - (256 << 10), 0)).suffix(2)
    }

    var pieces: [JSONValue] { frames.filter { $0["frame"] == "piece" } }
    var text: String { pieces.compactMap { $0["text"]?.string }.joined() }
    /// Whether all of the document was read.
    var isRead: Bool { frames.last?["frame"]?.string == "end" }
    /// The last line, where it is the summary.
    var end: JSONValue? { frames.last.flatMap { $0["frame"] == "end" ? $0 : nil } }
    /// The code of the error that it ended with.
    var error: String? { frames.last.flatMap { $0["frame"] == "error" ? $0["code"]?.string : nil } }
    var message: String { frames.last?["message"]?.string ?? "" }
    var type: String? { frames.first?["type"]?.string }
    var warnings: [String] { end?["warnings"]?.array?.compactMap(\.string) ?? [] }
}
