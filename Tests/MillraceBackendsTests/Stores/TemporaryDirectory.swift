import FoundationEssentials
import Glibc

/// A directory of its own for one test, removed at the end.
struct TemporaryDirectory: ~Copyable {
    let path: String

    init() throws {
        var template = Array("/tmp/millrace-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXProblem(code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

struct POSIXProblem: Error {
    let code: Int32
}
