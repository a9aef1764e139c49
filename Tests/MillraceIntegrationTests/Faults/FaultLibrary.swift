import Glibc
import MillraceCore

/// The library in `Library/`, which lets a server's calls fail: compiled once for a run of the tests, with the C compiler that Swift brings.
struct FaultLibrary: Sendable {
    let path: String
    /// How many bytes the block of shared memory has.
    let controlBytes: Int
    /// The calls' and the targets' names; their places are their numbers.
    let calls: [String]
    let targets: [String]

    /// The library, or why there is none.
    static let shared = Result { try FaultLibrary() }

    private init() throws {
        let sources = ["control.c", "system_calls.c", "sqlite_calls.c"].map {
            "\(TestFiles.packageRoot)/Tests/MillraceIntegrationTests/Faults/Library/\($0)"
        }
        path = TestFiles.temporaryPath("faults") + ".so"
        let arguments = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", path] + sources
        let compiler = ["clang", "cc"].first { Command.exists([$0, "--version"]) }
        guard let compiler else { throw ClientFailure("no C compiler: neither clang, which comes with Swift, nor cc is in PATH") }
        let compilation = try Command([compiler] + arguments)
        guard compilation.status == 0 else { throw ClientFailure("the library of faults cannot be compiled: \(compilation.output)") }
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw ClientFailure("the library of faults cannot be opened: \(dlerror().map { String(cString: $0) } ?? "")")
        }
        typealias NameOf = @convention(c) (Int32) -> UnsafePointer<CChar>?
        typealias SizeOf = @convention(c) () -> Int
        let callName = unsafeBitCast(dlsym(library, "fault_call_name"), to: NameOf.self)
        let targetName = unsafeBitCast(dlsym(library, "fault_target_name"), to: NameOf.self)
        calls = (Int32(0)...).lazy.map { callName($0) }.prefix { $0 != nil }.compactMap { $0.map { String(cString: $0) } }
        targets = (Int32(0)...).lazy.map { targetName($0) }.prefix { $0 != nil }.compactMap { $0.map { String(cString: $0) } }
        controlBytes = unsafeBitCast(dlsym(library, "fault_control_size"), to: SizeOf.self)()
    }
}
