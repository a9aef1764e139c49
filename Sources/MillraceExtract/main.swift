import Glibc
import MillraceCore

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.contains("--help") {
    print(ExtractOptions.help, terminator: "")
    exit(0)
}
let output = FrameWriter(descriptor: 1)
do throws(MillraceError) {
    let options = try ExtractOptions(arguments)
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    let spool = options.spool >= 0 ? options.spool : open("/tmp", __O_TMPFILE | O_DIRECTORY | O_RDWR | O_EXCL | O_CLOEXEC, 0o600)
    guard null >= 0, spool >= 0 else {
        throw MillraceError(.extractionFailed, "there is no place for the document's copy: \(String(cString: strerror(errno)))")
    }
    _ = fcntl(spool, F_SETFD, FD_CLOEXEC)
    let confinement = try Confinement(options, spool: spool)
    var extraction = Extraction(
        options, input: DocumentInput(descriptor: 0, limit: options.documentBytes), spool: spool, null: null, output: output, confinement)
    try extraction.run()
} catch {
    try? output.failure(error)
    // Without what runs at a usual end: a leak detector would ask for rights that this process has given up.
    _exit(1)
}
_exit(0)
