import CLinux
import Glibc
import MillraceCore

/// What this process has given up before it reads.
struct Confinement: Equatable {
    /// What holds, such as `limits`, `seccomp`, `landlock 7`.
    private(set) var parts: [String] = []
    /// What the kernel does not offer, a sentence each.
    private(set) var warnings: [String] = []

    /// The fewest bytes of memory in which the program itself fits.
    static let leastMemory = 64 << 20

    /// Gives up what the reading of documents does not need.
    /// - Parameter spool: the only file that is written.
    /// - Throws: ``ErrorCode/extractionFailed`` where the kernel refuses what every kernel has.
    init(_ options: ExtractOptions, spool: Int32) throws(MillraceError) {
        // SIGXFSZ would end the process without a word, and a reader that has gone shows in the write itself.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        try Self.check(cl_end_with_parent(options.parent), "end with its parent")
        var limits = cl_limits()
        // The sanitizers' shadow memory is larger than any limit.
        let isSanitized = cl_is_sanitized() != 0
        limits.memory_bytes = isSanitized ? 0 : UInt64(max(options.memoryBytes, Self.leastMemory))
        limits.cpu_seconds = UInt64(max(options.processorSeconds, 1))
        limits.file_bytes = UInt64(options.documentBytes)
        limits.descriptors = 32
        try Self.check(cl_limit_self(&limits), "limit itself")
        parts.append("limits")
        if isSanitized { warnings.append("memory is not limited, since the extractor was built with a sanitizer") }
        try Self.check(cl_give_up_privileges(), "give up its privileges")
        parts.append("privileges")
        confinePaths(options, spool)
        let refused = cl_refuse_calls(Int32(CL_CONFINED))
        if refused == 0 {
            parts.append("seccomp")
        } else {
            warnings.append(
                "the kernel has no filter of system calls (seccomp: \(String(cString: strerror(-refused)))): the extractor is not confined")
        }
    }

    private mutating func confinePaths(_ options: ExtractOptions, _ spool: Int32) {
        let (read, execute) = (Int32(CL_PATH_READ), Int32(CL_PATH_READ) | Int32(CL_PATH_EXECUTE))
        // What programs are loaded with, poppler's own, and its tables of characters.
        let allowed: [(String, Int32)] = [
            ("/lib", execute), ("/lib64", execute), ("/usr/lib", execute), ("/usr/lib64", execute), ("/usr/share", read),
            ("/etc/ld.so.cache", read), ("/etc/fonts", read),
            ("\(options.pdfPrograms)/pdfinfo", execute), ("\(options.pdfPrograms)/pdftotext", execute),
        ]
        var names: [UnsafeMutablePointer<CChar>?] = allowed.map { strdup($0.0) }
        defer { for name in names { free(name) } }
        var paths = allowed.indices.map { cl_path(path: names[$0], descriptor: -1, access: allowed[$0].1) }
        paths.append(cl_path(path: nil, descriptor: spool, access: read))
        names.append(nil)
        let version = cl_confine_paths(paths, Int32(paths.count))
        if version > 0 {
            parts.append("landlock \(version)")
        } else {
            warnings.append(
                "the kernel cannot confine the extractor to files (Landlock: \(String(cString: strerror(-version)))): it may read others")
        }
    }

    /// Gives up files and programs as well, for documents that are read here.
    mutating func shut() {
        if parts.contains("seccomp"), cl_refuse_calls(Int32(CL_CONFINED_SHUT)) == 0 { parts.append("shut") }
    }

    private static func check(_ result: Int32, _ what: String) throws(MillraceError) {
        guard result < 0 else { return }
        throw MillraceError(.extractionFailed, "the extractor cannot \(what): \(String(cString: strerror(-result)))")
    }
}
