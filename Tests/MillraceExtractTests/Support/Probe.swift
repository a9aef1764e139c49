import Glibc
import MillraceCounterparts

/// A folder with programs in place of poppler's, which do what the document asks for (`Reference/probe.c`).
struct Probe {
    let folder: String

    /// The program itself.
    var program: String { folder + "/probe" }

    private static let directory = Result { try TemporaryDirectory() }
    private static let compiled = Result {
        let folder = try directory.get().path
        // Swift's own compiler of C, or the system's: the program is linked with nothing but the C library, which the confinement lets it load.
        let source = Counterpart.packageRoot + "/Tests/MillraceExtractTests/Reference/probe.c"
        let command = "cc=$(command -v clang || command -v cc) && exec \"$cc\" -Wall -O1 -o \"$1/probe\" \"$2\""
        guard try run(["/bin/sh", "-c", command, "compile", folder, source]) == 0 else {
            throw CounterpartMissing("probe.c is not compiled: neither clang, which comes with Swift, nor cc is in PATH, or it says why")
        }
        for name in ["pdfinfo", "pdftotext"] {
            guard symlink("\(folder)/probe", "\(folder)/\(name)") == 0 else { throw CounterpartMissing("symlink: errno \(errno)") }
        }
        return folder
    }

    init() throws { folder = try Self.compiled.get() }

    /// A document that asks for something.
    static func document(_ what: String) -> [UInt8] { Array("%PDF-probe \(what)\n".utf8) }

    private static func run(_ words: [String]) throws -> Int32 {
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process = pid_t()
        guard posix_spawn(&process, words[0], nil, nil, &pointers, environ) == 0 else { throw CounterpartMissing(words[0]) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }
}
