import Glibc

/// A directory that goes away with the value.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/millrace-test-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
        }
        precondition(!path.isEmpty, "cannot make a directory in /tmp")
    }

    private var names: [String] = []

    func write(_ name: String, _ text: String) {
        names.append(name)
        guard let file = fopen(path + "/" + name, "w") else { preconditionFailure("cannot write \(name)") }
        fputs(text, file)
        fclose(file)
    }

    deinit {
        for name in names { unlink(path + "/" + name) }
        rmdir(path)
    }
}
